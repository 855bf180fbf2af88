import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A TCP connection on which a test writes what no HTTP client would. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that was received so far, as latin1. */
  readonly text: string;
  write(text: string): void;
  /** Waits until what was received is as wanted. */
  received(pattern: RegExp | string): Promise<string>;
  /** Waits until the other side ended the connection, orderly or not; resolves to all that was received. */
  ended(): Promise<string>;
}

export async function openRawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  // Never ends its own side: a server that waits for that is a defect.
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  let text = "";
  let isOver = false;
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    text += part;
    notify();
  });
  for (const event of ["end", "close", "error"]) {
    socket.on(event, () => {
      isOver = true;
      notify();
    });
  }
  function wait(isDone: () => boolean, what: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const watcher = (): void => {
      if (isDone()) resolve(text);
      else if (isOver) reject(new Error(`The connection ended before ${what} came; there was ${JSON.stringify(text)}`));
      else return;
      watchers.delete(watcher);
    };
    watchers.add(watcher);
    watcher();
    return promise;
  }
  return {
    socket,
    get text() {
      return text;
    },
    write: (part) => void socket.write(part, "latin1"),
    received: (pattern) =>
      wait(() => (typeof pattern === "string" ? text.includes(pattern) : pattern.test(text)), String(pattern)),
    ended: () => wait(() => isOver, "its end"),
  };
}
