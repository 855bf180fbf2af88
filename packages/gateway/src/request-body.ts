import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** Whether a body follows the request's headers. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length !== undefined && !/^0+$/.test(length));
}

/**
 * A request's body on its way to an upstream, with back-pressure. Its own stream, not the request itself: undici
 * destroys the body of a failed or early answered request, and that must not take the client's connection along.
 * Nothing is read before the upstream asks, so that an attempt which never got a connection can be made elsewhere.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #beforeFirstRead: () => void;
  readonly #received: (bytes: number) => void;
  #started = false;

  constructor(request: IncomingMessage, beforeFirstRead: () => void, received: (bytes: number) => void) {
    super();
    this.#received = received;
    this.#request = request;
    this.#beforeFirstRead = beforeFirstRead;
  }

  /** Whether a part of the body may be gone, so that nobody else can have it. */
  get started(): boolean {
    return this.#started;
  }

  override _read(): void {
    if (!this.#started) {
      this.#started = true;
      this.#beforeFirstRead();
      this.#request.on("data", this.#onData).once("end", this.#onEnd);
    }
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#request.off("data", this.#onData).off("end", this.#onEnd);
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received(chunk.length);
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };
}
