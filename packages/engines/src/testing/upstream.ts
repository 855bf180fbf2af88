import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** What an upstream says of a request. */
export interface Echo {
  readonly name: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A process on a real socket that says what it got. `/slow` is answered when `release` is called. */
export async function startUpstream(
  name: string,
): Promise<{ url: string; release: () => void; arrived: Promise<void> }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const { url, headers } = request;
    const answer = (): void => void response.end(JSON.stringify({ name, url, headers }));
    if (url !== "/slow") return answer();
    arrive();
    return void promise.then(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    resolve();
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, release: resolve, arrived };
}
