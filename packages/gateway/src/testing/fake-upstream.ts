import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** How a process answers; it may take its time. */
export type UpstreamListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A process of a module's version, on a real socket. */
export interface FakeUpstream {
  readonly url: string;
  readonly server: Server;
  /** All requests that came, in their order. */
  readonly requests: readonly IncomingMessage[];
  stop(): Promise<void>;
}

/** Answers with `listener`; without one, with 200 and a JSON of what arrived. */
export async function startFakeUpstream(listener: UpstreamListener = echo): Promise<FakeUpstream> {
  const requests: IncomingMessage[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    requests.push(request);
    listener(request, response);
  });
  const upgraded = new Set<{ destroy(): unknown }>();
  server.on("connection", (socket) => {
    upgraded.add(socket);
    socket.once("close", () => upgraded.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  async function stop(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of upgraded) socket.destroy();
    await closed;
  }
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, requests, stop };
}

/** What {@link echo} says of a request. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string | undefined>;
  readonly rawHeaders: string[];
  readonly body: string;
}

const echo: UpstreamListener = (request, response) => {
  const { method, url, headers, rawHeaders } = request;
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts).toString();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, headers, rawHeaders, body }));
  });
};
