import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { RunningProxy } from "../proxies/proxy.ts";
import { Nonconformance, RawPeer } from "./raw-peer.ts";

/** How the upstream answers a request: called with its connection when all of the request is there. */
export type Answer = (peer: RawPeer, request: string) => void;

export const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Both ends of a proxy, for one case. */
export interface Laboratory {
  readonly proxy: Pick<RunningProxy, "host" | "port" | "tlsPort" | "prefix">;
  /** Opens a connection to the proxy. */
  client(): Promise<RawPeer>;
  /** The same over TLS, with that protocol chosen. */
  tlsClient(protocol: "h2" | "http/1.1"): Promise<RawPeer>;
  /** Opens one and sends text on it. */
  send(text: string): Promise<RawPeer>;
  /** A request's bytes: with Host, unless the fields bring one, and the proxy's prefix before the path. */
  request(start: string, fields?: readonly string[], body?: string): string;
  /** All connections that the upstream got in this case. */
  readonly connections: readonly RawPeer[];
  /** The upstream's connection of that number, from 0, when it comes. */
  connection(number?: number): Promise<RawPeer>;
  /** What the upstream does with whole requests; it answers 200 unless told. Undefined leaves all to the case. */
  answer: Answer | undefined;
  /** The whole requests that the upstream got, in their order. */
  readonly requests: readonly string[];
  /** The first of them. */
  firstRequest(): Promise<string>;
}

export interface LaboratoryBench {
  readonly upstreamPort: number;
  /** A fresh laboratory: connections of the one before are ended. */
  begin(proxy: RunningProxy): Promise<Laboratory>;
  close(): Promise<void>;
}

const PATIENCE_MS = 4_000;
/** For a proxy to notice that its kept connections ended. */
const SETTLE_MS = 15;

/** The upstream of all cases: a bare TCP server. */
export async function openLaboratoryBench(port = 0): Promise<LaboratoryBench> {
  const open = new Set<Socket>();
  let openClients: Socket[] = [];
  let taken: (socket: Socket) => void = (socket) => socket.destroy();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    taken(socket);
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A server without a port.");
  const clear = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  };
  return {
    upstreamPort: address.port,
    async begin(proxy) {
      await clear();
      const { laboratory, take, clients } = newLaboratory(proxy);
      taken = take;
      for (const socket of openClients) socket.destroy();
      openClients = clients;
      return laboratory;
    },
    async close() {
      for (const socket of openClients) socket.destroy();
      await clear();
      server.close();
    },
  };
}

function newLaboratory(proxy: RunningProxy) {
  const connections: RawPeer[] = [];
  const requests: string[] = [];
  const clients: Socket[] = [];
  const watchers = new Set<() => void>();

  function take(socket: Socket): void {
    const peer = new RawPeer(socket);
    connections.push(peer);
    let used = 0;
    socket.on("data", () => {
      for (;;) {
        const length = laboratory.answer === undefined ? 0 : wholeRequest(peer.text.slice(used));
        if (length === 0) break;
        const request = peer.text.slice(used, used + length);
        used += length;
        requests.push(request);
        laboratory.answer?.(peer, request);
      }
      for (const watcher of watchers) watcher();
    });
    for (const watcher of watchers) watcher();
  }

  async function wait<T>(find: () => T | undefined, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => reject(new Nonconformance(`${what} did not come`)), PATIENCE_MS);
    const watcher = (): void => {
      const found = find();
      if (found !== undefined) resolve(found);
    };
    watchers.add(watcher);
    watcher();
    return promise.finally(() => {
      clearTimeout(timer);
      watchers.delete(watcher);
    });
  }

  async function opened(socket: Socket, event: string): Promise<RawPeer> {
    clients.push(socket);
    socket.on("error", () => undefined);
    await once(socket, event);
    return new RawPeer(socket);
  }

  const laboratory: Laboratory = {
    proxy,
    connections,
    requests,
    answer: (peer) => peer.write(OK),
    client: () => opened(connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true }), "connect"),
    tlsClient: (protocol) =>
      opened(
        connectTls({
          host: proxy.host,
          port: proxy.tlsPort ?? 0,
          rejectUnauthorized: false,
          ALPNProtocols: [protocol],
          servername: "localhost",
        }),
        "secureConnect",
      ),
    async send(text) {
      const client = await laboratory.client();
      client.write(text);
      return client;
    },
    request(start, fields = [], body = "") {
      const [method, path = "", version = "HTTP/1.1"] = start.split(" ");
      const host = fields.some((field) => /^host:/i.test(field)) ? [] : ["host: shop.example"];
      const target = path.startsWith("/") ? proxy.prefix + path : path;
      return `${[`${method} ${target} ${version}`, ...host, ...fields].join("\r\n")}\r\n\r\n${body}`;
    },
    connection: (number = 0) => wait(() => connections[number], `connection ${number + 1} to the upstream`),
    firstRequest: () => wait(() => requests[0], "a whole request at the upstream"),
  };
  return { laboratory, take, clients };
}

/** How long the whole request is that the text begins with; 0 when there is none. As lenient as a bad origin. */
function wholeRequest(text: string): number {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return 0;
  const head = text.slice(0, end + 4);
  const rest = text.slice(end + 4);
  if (/^transfer-encoding:.*chunked/im.test(head)) {
    const last = /(^|\r\n)0[^\r\n]*\r\n([^\r\n]+\r\n)*\r\n/.exec(rest);
    return last === null ? 0 : head.length + last.index + last[0].length;
  }
  const length = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
  return rest.length >= length ? head.length + length : 0;
}
