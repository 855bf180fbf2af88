import type { Readable } from "node:stream";
import { AwakeClock } from "../awake-clock.ts";
import { type RequestHead, writeRequestHead } from "./request-head.ts";
import { UpstreamError } from "./upstream-error.ts";
import {
  type ConnectionOwner,
  type ConnectionSettings,
  UpstreamConnection,
  type UpstreamHandler,
  type UpstreamJob,
} from "./upstream-connection.ts";

export interface PoolSettings extends ConnectionSettings {
  /** Connections at once; further requests wait. */
  readonly connections: number;
  /** Requests that may wait for a connection. */
  readonly maxWaiting: number;
  /** For how long each of them may, in milliseconds. */
  readonly waitTimeout: number;
}

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Raw header list, without what concerns the connection. */
  readonly headers: readonly string[];
  readonly body: Readable | null;
  /** Raw list of the fields that follow a body whose length is not told before; asked for at its end. */
  readonly trailers?: () => readonly string[];
  /** Whether it must have a connection that no request was sent on before: one that was kept may turn out to be over. */
  readonly onNewConnection?: boolean;
}

interface WaitingJob extends UpstreamJob {
  readonly onNewConnection: boolean;
  /** On the pool's clock; infinity until it is known that it has to wait. */
  deadline: number;
}

/** Connections to one upstream, over which requests go one after the other. */
export class ConnectionPool implements ConnectionOwner {
  readonly #url: URL;
  readonly #settings: PoolSettings;
  readonly #all = new Set<UpstreamConnection>();
  /** The one used last is used next, so that the others can be closed when there are more than are needed. */
  readonly #idle: UpstreamConnection[] = [];
  #waiting: WaitingJob[] = [];
  #isScheduled = false;
  #isClosing = false;
  #isDestroyed = false;
  /** One timer for all times of all connections: one for each request would cost more than the request's parsing. */
  readonly #clock: AwakeClock;

  constructor(url: URL, settings: PoolSettings) {
    this.#url = url;
    this.#settings = settings;
    const { connectTimeout, headersTimeout, bodyTimeout, waitTimeout } = settings;
    const shortest = Math.min(connectTimeout, headersTimeout, bodyTimeout, waitTimeout);
    this.#clock = new AwakeClock(shortest, () => this.#sweep());
  }

  get now(): number {
    return this.#clock.now;
  }

  /**
   * Sends a request as soon as a connection is free for it. What is wrong with it is told at once; when too many wait, or
   * it has waited for too long, it fails with POOL_FULL or POOL_TIMEOUT.
   */
  dispatch(request: UpstreamRequest, handler: UpstreamHandler): void {
    const { method, path, headers, body, trailers, onNewConnection = false } = request;
    if (this.#isDestroyed) {
      body?.destroy();
      handler.failed(poolClosed());
      return;
    }
    let head: RequestHead;
    try {
      head = writeRequestHead({ method, path, headers, host: this.#url.host, hasBody: body !== null });
    } catch (error) {
      body?.destroy();
      handler.failed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    const toHead = method === "HEAD";
    const deadline = Number.POSITIVE_INFINITY;
    this.#waiting.push({ head, toHead, body, trailers, handler, onNewConnection, deadline });
    this.#schedule();
  }

  /** Takes back a request that waits, or does nothing. Its handler hears of nothing any more. */
  withdraw(handler: UpstreamHandler): void {
    const at = this.#waiting.findIndex((job) => job.handler === handler);
    if (at === -1) return;
    for (const { body } of this.#waiting.splice(at, 1)) body?.destroy();
  }

  /** Lets what is under way end, and closes each connection that is idle. */
  close(): void {
    this.#isClosing = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Ends all connections, and with them what is under way. */
  destroy(): void {
    this.#isClosing = true;
    this.#isDestroyed = true;
    for (const job of this.#waiting.splice(0)) fail(job, poolClosed());
    for (const connection of this.#all) connection.destroy();
  }

  idle(connection: UpstreamConnection): void {
    if (this.#isClosing && this.#waiting.length === 0) {
      connection.destroy();
      return;
    }
    this.#idle.push(connection);
    if (this.#waiting.length > 0) this.#schedule();
  }

  gone(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (this.#all.size === 0) this.#clock.stop();
    if (this.#waiting.length > 0) this.#schedule();
  }

  /**
   * Requests are given connections after all that has arrived was read: what came on an idle connection, its end or
   * something that nobody asked for, must be known before a request is sent on it. Otherwise it would be lost, or get an
   * answer that is not its own.
   */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#assign();
    });
  }

  #assign(): void {
    if (this.#waiting.length === 0) return;
    let given = 0;
    for (const job of this.#waiting) {
      const connection = job.onNewConnection ? undefined : this.#usable();
      if (connection !== undefined) connection.send(job);
      else if (this.#hasRoom(job)) this.#connect(job);
      else break;
      given += 1;
    }
    this.#waiting = given === this.#waiting.length ? [] : this.#waiting.slice(given);
    if (this.#waiting.length > 0) this.#letWait();
  }

  #usable(): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isUsable) return connection;
      this.#drop(connection);
    }
  }

  /** Whether one more connection may be made. One that is kept makes room for one that must be new. */
  #hasRoom({ onNewConnection }: WaitingJob): boolean {
    if (this.#all.size < this.#settings.connections) return true;
    const oldest = onNewConnection ? this.#idle.shift() : undefined;
    if (oldest === undefined) return false;
    this.#drop(oldest);
    return true;
  }

  #drop(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    connection.destroy();
  }

  /** Gives those a time that have none yet, and turns away those that are too many: the last ones that came. */
  #letWait(): void {
    const { maxWaiting, waitTimeout } = this.#settings;
    const over = this.#waiting.splice(maxWaiting);
    for (const job of this.#waiting) {
      if (job.deadline === Number.POSITIVE_INFINITY) job.deadline = this.now + waitTimeout;
    }
    for (const job of over) fail(job, new UpstreamError("POOL_FULL", "Too many requests wait for the upstream."));
  }

  #connect(job: UpstreamJob): void {
    this.#clock.start();
    this.#all.add(new UpstreamConnection(this.#url, this.#settings, this, job));
  }

  #sweep(): void {
    for (const connection of this.#all) connection.sweep();
    // They wait in the order of their deadlines.
    let over = 0;
    while ((this.#waiting[over]?.deadline ?? Number.POSITIVE_INFINITY) <= this.now) over += 1;
    if (over === 0) return;
    for (const job of this.#waiting.splice(0, over)) {
      fail(job, new UpstreamError("POOL_TIMEOUT", "No connection to the upstream became free in time."));
    }
  }
}

function fail({ body, handler }: UpstreamJob, error: UpstreamError): void {
  body?.destroy();
  handler.failed(error);
}

function poolClosed(): UpstreamError {
  return new UpstreamError("CONNECTION_CLOSED", "The gateway closes its connections.");
}
