import { connect as connectPlain, isIP, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { AnswerHead } from "./answer-head.ts";
import { AnswerParser, type AnswerSink } from "./answer-parser.ts";
import { type RequestHead, writeLastChunk } from "./request-head.ts";
import { UpstreamError, type UpstreamErrorCode } from "./upstream-error.ts";

/** What the one whose request is under way can do about it. */
export interface UpstreamControl {
  /** Nothing more of the answer is read until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the connection; the request fails with that error. */
  abort(error: Error): void;
}

/** Hears what becomes of a request. `end` or `failed` is the last, and called once. */
export interface UpstreamHandler {
  /** It has a connection and is being sent. Not called for one that fails before. */
  started(control: UpstreamControl): void;
  /** Also of informational answers, which others follow. */
  head(status: number, text: string, headers: string[]): void;
  data(part: Buffer): void;
  /** All that has arrived was told; the answer goes on. */
  flush(): void;
  end(trailers: string[]): void;
  failed(error: Error): void;
}

/** One request on its way to an upstream. */
export interface UpstreamJob {
  readonly head: RequestHead;
  readonly toHead: boolean;
  readonly body: Readable | null;
  /** Raw list of the fields that follow the body in chunks; asked for at its end. */
  readonly trailers: (() => readonly string[]) | undefined;
  readonly handler: UpstreamHandler;
}

export interface ConnectionSettings {
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** From the last part of the request to the answer's head, in milliseconds. */
  readonly headersTimeout: number;
  /** Between two parts of an answer, in milliseconds. */
  readonly bodyTimeout: number;
  readonly maxHeaderBytes: number;
}

/** What a connection needs of the pool that it is in. */
export interface ConnectionOwner {
  /** A coarse clock of this process's waking time, which goes on while the pool has connections; milliseconds. */
  readonly now: number;
  idle(connection: UpstreamConnection): void;
  gone(connection: UpstreamConnection): void;
}

const TIMEOUTS: Readonly<Record<"connect" | "headers" | "body", { code: UpstreamErrorCode; what: string }>> = {
  connect: { code: "CONNECT_TIMEOUT", what: "could not be reached in time" },
  headers: { code: "HEADERS_TIMEOUT", what: "did not answer in time" },
  body: { code: "BODY_TIMEOUT", what: "did not go on with its answer in time" },
};

/**
 * One connection to an upstream, with one request under way at most:
 *
 *   connecting ──▶ busy ⇄ idle ──▶ gone
 *
 * Whatever ends it while a request is under way is that request's failure.
 */
export class UpstreamConnection implements AnswerSink, UpstreamControl {
  readonly #socket: Socket;
  readonly #parser: AnswerParser;
  readonly #settings: ConnectionSettings;
  readonly #owner: ConnectionOwner;
  #job: UpstreamJob | undefined;
  #isSent = false;
  #idleMs = 0;
  /** Until when an idle connection may be used. By the time of day: the upstream's goes on while this process stalls. */
  #idleUntil = 0;
  /** On the owner's clock; infinity while nothing is waited for. */
  #deadline: number;
  #waitsFor: keyof typeof TIMEOUTS = "connect";

  /** Connects, and then sends the first request. */
  constructor(url: URL, settings: ConnectionSettings, owner: ConnectionOwner, first: UpstreamJob) {
    this.#settings = settings;
    this.#owner = owner;
    this.#job = first;
    this.#parser = new AnswerParser(this, settings.maxHeaderBytes);
    this.#deadline = owner.now + settings.connectTimeout;
    const isTls = url.protocol === "https:";
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = Number(url.port) || (isTls ? 443 : 80);
    this.#socket = isTls
      ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) })
      : connectPlain({ host, port });
    this.#socket.setNoDelay(true);
    this.#socket
      .once(isTls ? "secureConnect" : "connect", () => this.#send(first))
      .on("data", (bytes: Buffer) => this.#read(bytes))
      .on("drain", () => this.#drained())
      .once("end", () => {
        if (!this.#parser.finish()) this.#fail(closed());
        this.#socket.destroy();
      })
      .on("error", (error) => this.#fail(error))
      .once("close", () => {
        this.#fail(closed());
        owner.gone(this);
      });
  }

  /** Whether another request may be sent now. */
  get isUsable(): boolean {
    return this.#job === undefined && this.#socket.writable && performance.now() < this.#idleUntil;
  }

  send(job: UpstreamJob): void {
    this.#job = job;
    this.#send(job);
  }

  /** Ends what has let its time pass. */
  sweep(): void {
    if (this.#job === undefined) {
      if (!this.isUsable) this.#socket.destroy();
      return;
    }
    if (this.#owner.now >= this.#deadline) {
      const { code, what } = TIMEOUTS[this.#waitsFor];
      this.abort(new UpstreamError(code, `The upstream ${what}.`));
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  resume(): void {
    if (this.#job === undefined) return;
    this.#waitFor("body", this.#settings.bodyTimeout);
    this.#socket.resume();
  }

  abort(error: Error): void {
    this.#fail(error);
    this.#socket.destroy();
  }

  head({ status, text, headers, idleMs }: AnswerHead): void {
    this.#idleMs = idleMs;
    if (status >= 200) this.#waitFor("body", this.#settings.bodyTimeout);
    this.#job?.handler.head(status, text, headers);
  }

  data(part: Buffer): void {
    if (this.#deadline !== Number.POSITIVE_INFINITY) this.#waitFor("body", this.#settings.bodyTimeout);
    this.#job?.handler.data(part);
  }

  end(trailers: string[]): void {
    const job = this.#job;
    if (job === undefined) return;
    this.#job = undefined;
    if (this.#isSent && this.#idleMs > 0) {
      this.#idleUntil = performance.now() + this.#idleMs;
      if (this.#socket.isPaused()) this.#socket.resume();
      this.#owner.idle(this);
    } else {
      // An answer before the request's end: the rest of it would be taken for the next request.
      this.#socket.destroy();
    }
    job.body?.destroy();
    try {
      job.handler.end(trailers);
    } catch (error) {
      job.handler.failed(errorOf(error));
    }
  }

  #send(job: UpstreamJob): void {
    const { head, body, handler } = job;
    this.#isSent = body === null;
    this.#waitFor("headers", this.#settings.headersTimeout);
    this.#parser.begin(job.toHead);
    handler.started(this);
    // The one who sent it may have given it up meanwhile.
    if (this.#job !== job) return;
    this.#socket.write(head.text, "latin1");
    if (body === null) return;
    // From here on it is the body's sender who is waited for, unless the upstream does not take what comes.
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#sendBody(job, body);
  }

  #drained(): void {
    if (this.#waitsFor === "headers" && !this.#isSent) this.#deadline = Number.POSITIVE_INFINITY;
    this.#job?.body?.resume();
  }

  #sendBody(job: UpstreamJob, body: Readable): void {
    const { length } = job.head;
    let sent = 0;
    body.on("data", (part: Buffer) => {
      if (this.#job !== job || part.length === 0) return;
      sent += part.length;
      if (length !== null && sent > length) return this.abort(mismatch());
      if (this.#writePart(part, length === null)) return;
      body.pause();
      if (this.#waitsFor === "headers") this.#waitFor("headers", this.#settings.headersTimeout);
    });
    body.once("end", () => {
      if (this.#job !== job) return;
      if (length !== null && sent < length) return this.abort(mismatch());
      if (length === null && !this.#writeEnd(job)) return;
      this.#isSent = true;
      if (this.#waitsFor === "headers") this.#waitFor("headers", this.#settings.headersTimeout);
    });
    body.once("error", (error) => {
      if (this.#job === job) this.abort(error);
    });
  }

  #writeEnd(job: UpstreamJob): boolean {
    try {
      this.#socket.write(writeLastChunk(job.trailers?.() ?? []), "latin1");
      return true;
    } catch (error) {
      this.abort(errorOf(error));
      return false;
    }
  }

  #writePart(part: Buffer, isChunk: boolean): boolean {
    if (!isChunk) return this.#socket.write(part);
    this.#socket.cork();
    this.#socket.write(`${part.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(part);
    const goesOn = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return goesOn;
  }

  #read(bytes: Buffer): void {
    try {
      this.#parser.read(bytes);
      this.#job?.handler.flush();
    } catch (error) {
      // Also what the handler can't pass on. An idle connection ends too: what it said would be taken for an answer.
      this.abort(errorOf(error));
    }
  }

  #fail(error: Error): void {
    const job = this.#job;
    if (job === undefined) return;
    this.#job = undefined;
    job.body?.destroy();
    job.handler.failed(error);
  }

  #waitFor(what: keyof typeof TIMEOUTS, ms: number): void {
    this.#waitsFor = what;
    this.#deadline = this.#owner.now + ms;
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function closed(): UpstreamError {
  return new UpstreamError("CONNECTION_CLOSED", "The upstream closed the connection.");
}

function mismatch(): UpstreamError {
  return new UpstreamError("REQUEST_INVALID", "The request's body is not as long as it says.");
}
