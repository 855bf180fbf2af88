import type { Socket } from "node:net";

const PATIENCE_MS = 4_000;

/** What a case found wrong with the proxy. */
export class Nonconformance extends Error {}

/** One end of a connection, byte for byte (as latin1). */
export class RawPeer {
  readonly socket: Socket;
  readonly #watchers = new Set<() => void>();
  #text = "";
  #over = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      this.#text += part;
      this.#notify();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#over = true;
        this.#notify();
      });
    }
  }

  /** All that came and was not taken. */
  get text(): string {
    return this.#text;
  }

  get isOver(): boolean {
    return this.#over;
  }

  write(text: string): void {
    if (!this.socket.destroyed) this.socket.write(text, "latin1");
  }

  /** Waits until what came is as wanted; @throws Nonconformance, which quotes `what` */
  async until(isWanted: RegExp | string | ((text: string) => boolean), what = String(isWanted)): Promise<string> {
    const test = (): boolean =>
      typeof isWanted === "function"
        ? isWanted(this.#text)
        : typeof isWanted === "string"
          ? this.#text.includes(isWanted)
          : isWanted.test(this.#text);
    await this.#wait(() => test() || this.#over);
    if (!test()) throw new Nonconformance(`expected ${what}, there was ${this.#quoted()}`);
    return this.#text;
  }

  /** Waits for the other side to end the connection, in order or not; gives all that came. */
  async ended(): Promise<string> {
    await this.#wait(() => this.#over);
    if (!this.#over) throw new Nonconformance(`the connection stays open; there was ${this.#quoted()}`);
    return this.#text;
  }

  /** Waits for an end or for what is wanted, and no longer than one is patient. */
  async settled(isWanted: RegExp): Promise<string> {
    await this.#wait(() => this.#over || isWanted.test(this.#text));
    return this.#text;
  }

  /** Takes what came. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #quoted(): string {
    return JSON.stringify(this.#text.slice(0, 200));
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  #wait(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE_MS);
    const watcher = (): void => {
      if (isDone()) resolve();
    };
    this.#watchers.add(watcher);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#watchers.delete(watcher);
    });
  }
}
