import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way through the network that can be cut, and mended to lead elsewhere. */
export interface Link {
  /** Where it begins; the same for as long as it is there. */
  readonly url: string;
  cut(): void;
  /** What came back through each connection since it was led somewhere last. */
  readonly heard: readonly string[];
  /** It leads to this URL's host and port. */
  lead(url: string): void;
  close(): Promise<void>;
}

export async function openLink(): Promise<Link> {
  let target: URL | undefined;
  const sockets = new Set<Socket>();
  let heard: string[] = [];
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => undefined);
  };
  const server = createServer((socket) => {
    keep(socket);
    if (target === undefined) {
      socket.destroy();
      return;
    }
    const onward = connect(Number(target.port), target.hostname);
    keep(onward);
    const all = heard;
    const place = all.push("") - 1;
    onward.on("data", (part: Buffer) => (all[place] += part.toString("latin1")));
    socket.pipe(onward).pipe(socket);
    socket.once("close", () => onward.destroy());
    onward.once("close", () => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    target = undefined;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    get heard() {
      return heard;
    },
    lead(url) {
      heard = [];
      target = new URL(url);
    },
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
