import { once } from "node:events";
import { createServer } from "node:http";
import { FLAG_EVENTS_PATH, FLAG_SNAPSHOT_PATH, type FlagSnapshot } from "@aibos/contract";

export const FEED_KEY = "a-key-of-the-tests";

/** A server of flags over real sockets, with a snapshot that never changes. */
export interface FakeFeed extends AsyncDisposable {
  readonly url: string;
  /** Answers no more, and breaks off what is open. */
  stop(): Promise<void>;
}

export async function startFakeFeed(snapshot: FlagSnapshot): Promise<FakeFeed> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://fake").pathname;
    if (request.headers.authorization !== `Bearer ${FEED_KEY}`) return response.writeHead(401).end();
    if (path === FLAG_SNAPSHOT_PATH) {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify(snapshot));
    }
    if (path !== FLAG_EVENTS_PATH) return response.writeHead(204).end();
    response.writeHead(200, { "content-type": "text/event-stream" });
    return response.write(":\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  async function stop(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
