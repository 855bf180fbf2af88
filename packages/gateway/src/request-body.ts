import type { IncomingMessage } from "node:http";
import { Http2ServerRequest } from "node:http2";
import { Readable } from "node:stream";
import { ClientFault } from "./client-fault.ts";
import type { ExchangeRecord } from "./exchange.ts";
import type { GatewaySettings } from "./gateway-options.ts";
import { bodyTooLarge } from "./request-fault.ts";

/** Whether a body follows the request's headers. */
export function hasBody(request: IncomingMessage): boolean {
  const message: unknown = request;
  if (message instanceof Http2ServerRequest) return !message.stream.endAfterHeaders;
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length !== undefined && !/^0+$/.test(length));
}

export type BodyLimits = Pick<GatewaySettings, "maxBodyBytes" | "clientBodyTimeout">;

/**
 * A request's body on its way to an upstream, with back-pressure. Its own stream, not the request itself: a connection
 * destroys the body of a failed or early answered request, and that must not take the client's connection along.
 * Nothing is read before the upstream asks, so that an attempt which never got a connection can be made elsewhere.
 *
 * It is destroyed with a {@link ClientFault} when the client sends too much, or nothing for too long while it may.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #exchange: ExchangeRecord;
  readonly #limits: BodyLimits;
  readonly #beforeFirstRead: () => void;
  #timer: NodeJS.Timeout | undefined;
  #started = false;

  constructor(request: IncomingMessage, exchange: ExchangeRecord, limits: BodyLimits, beforeFirstRead: () => void) {
    super();
    this.#request = request;
    this.#exchange = exchange;
    this.#limits = limits;
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
    this.#timer ??= setTimeout(this.#onSilence, this.#limits.clientBodyTimeout);
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#rest();
    this.#request.off("data", this.#onData).off("end", this.#onEnd);
    done(error);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#exchange.received += chunk.length;
    const { maxBodyBytes } = this.#limits;
    if (maxBodyBytes !== undefined && this.#exchange.received > maxBodyBytes) {
      this.destroy(new ClientFault(bodyTooLarge(maxBodyBytes)));
      return;
    }
    if (this.push(chunk)) {
      this.#timer?.refresh();
      return;
    }
    // The upstream makes the client wait: that time is not the client's.
    this.#rest();
    this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.#rest();
    this.push(null);
  };

  readonly #onSilence = (): void => {
    const detail = "The request's body did not arrive in time.";
    this.destroy(new ClientFault({ code: "AIBOS_GATEWAY_REQUEST_TIMEOUT", detail }));
  };
}
