import { once } from "node:events";
import { createServer } from "node:http";
import { type FeedMessage, GATEWAY_FEED_PATH } from "@aibos/contract";
import { HOST } from "./proxy.ts";

const HEARTBEAT_MS = 2_000;

/** A control plane that knows one tenant with two versions, both at the upstream. */
export async function startFeed(upstreamPort: number) {
  const role = "r_acme";
  const versions = ["1.0.0", "2.0.0"];
  const snapshot: FeedMessage = {
    type: "snapshot",
    feed: "proxies",
    revision: 1,
    part: 0,
    last: true,
    testerKey: "key-of-testers",
    routes: [
      {
        tenant: "acme",
        module: "notes",
        state: "active",
        versions: versions.map((version) => ({
          version,
          weight: 5_000,
          schema: `t_acme_${version}`,
          views: `t_acme_${version}`,
          dataVersion: version,
        })),
        role,
        hold: null,
        policy: null,
      },
    ],
    endpoints: versions.map((version) => ({
      module: "notes",
      version,
      urls: [`http://${HOST}:${upstreamPort}`],
      healthPath: null,
      contextKey: "key-of-the-version",
    })),
  };
  const { promise: followed, resolve } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    if (request.url?.startsWith(GATEWAY_FEED_PATH) !== true) {
      request.resume();
      response.writeHead(204).end();
      if (request.method === "POST") resolve();
      return;
    }
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(`${JSON.stringify(snapshot)}\n`);
    const beat = (): boolean => response.write(`${JSON.stringify({ type: "heartbeat", revision: 1 })}\n`);
    const timer = setInterval(beat, HEARTBEAT_MS);
    response.once("close", () => clearInterval(timer));
  }).listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  return {
    followed,
    url: `http://${HOST}:${typeof address === "object" ? address?.port : ""}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
