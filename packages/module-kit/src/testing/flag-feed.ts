import { once } from "node:events";
import { createServer } from "node:http";
import { FLAG_EVENTS_PATH, FLAG_SNAPSHOT_PATH, type FlagSnapshot } from "@aibos/contract";

const SNAPSHOT: FlagSnapshot = {
  revision: 1,
  module: "notes",
  version: "1.0.0",
  flags: {
    new_ui_enabled: { type: "boolean", default: false },
    guarded: { type: "boolean", default: false },
    test: { type: "boolean", default: true, kind: "experiment" },
  },
  changes: [
    {
      kind: "setting",
      flag: "guarded",
      scope: { level: "module" },
      version: null,
      setting: { rollout: { variant: "on", by: "user", percent: 50, guarded: true } },
    },
    {
      kind: "setting",
      flag: "new_ui_enabled",
      scope: { level: "tenant", tenant: "acme" },
      version: "1.0.0",
      setting: { value: true },
    },
  ],
};

/** Serves flags as the control plane does, over a real socket: `acme` has `new_ui_enabled` on, half of all users `guarded`. */
export async function startFlagFeed(): Promise<{ url: string; key: string } & AsyncDisposable> {
  const key = "a-key-of-the-tests";
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://feed").pathname;
    if (request.headers.authorization !== `Bearer ${key}`) return response.writeHead(401).end();
    if (path === FLAG_SNAPSHOT_PATH) {
      return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(SNAPSHOT));
    }
    if (path !== FLAG_EVENTS_PATH) return response.writeHead(204).end();
    return response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    key,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
