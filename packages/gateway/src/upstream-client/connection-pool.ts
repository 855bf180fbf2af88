import type { Readable } from "node:stream";
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
}

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Raw header list, without what concerns the connection. */
  readonly headers: readonly string[];
  readonly body: Readable | null;
}

/** The coarse clock's steps are a part of the shortest time that is measured with it, within these bounds. */
const STEP_SHARE = 8;
const SHORTEST_STEP_MS = 10;
const LONGEST_STEP_MS = 500;

/** Connections to one upstream, over which requests go one after the other. */
export class ConnectionPool implements ConnectionOwner {
  readonly #url: URL;
  readonly #settings: PoolSettings;
  readonly #all = new Set<UpstreamConnection>();
  /** The one used last is used next, so that the others can be closed when there are more than are needed. */
  readonly #idle: UpstreamConnection[] = [];
  #waiting: UpstreamJob[] = [];
  #isScheduled = false;
  #isClosing = false;
  #clock: NodeJS.Timeout | undefined;
  #now = 0;

  constructor(url: URL, settings: PoolSettings) {
    this.#url = url;
    this.#settings = settings;
  }

  get now(): number {
    return this.#now;
  }

  /** Sends a request as soon as a connection is free for it. What is wrong with it is told at once. */
  dispatch(request: UpstreamRequest, handler: UpstreamHandler): void {
    const { method, path, headers, body } = request;
    let head: RequestHead;
    try {
      head = writeRequestHead({ method, path, headers, host: this.#url.host, hasBody: body !== null });
    } catch (error) {
      body?.destroy();
      handler.failed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#waiting.push({ head, toHead: method === "HEAD", body, handler });
    this.#schedule();
  }

  /** Lets what is under way end, and closes each connection that is idle. */
  close(): void {
    this.#isClosing = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Ends all connections, and with them what is under way. */
  destroy(): void {
    this.#isClosing = true;
    const closed = new UpstreamError("CONNECTION_CLOSED", "The gateway closes its connections.");
    for (const { handler } of this.#waiting.splice(0)) handler.failed(closed);
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
    if (this.#all.size === 0) {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
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
    let given = 0;
    for (const job of this.#waiting) {
      const connection = this.#usable();
      if (connection !== undefined) connection.send(job);
      else if (this.#all.size < this.#settings.connections) this.#connect(job);
      else break;
      given += 1;
    }
    this.#waiting = given === this.#waiting.length ? [] : this.#waiting.slice(given);
  }

  #usable(): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isUsable) return connection;
      connection.destroy();
    }
  }

  #connect(job: UpstreamJob): void {
    this.#clock ??= this.#startClock();
    this.#all.add(new UpstreamConnection(this.#url, this.#settings, this, job));
  }

  /** One timer for all times of all connections: one for each request would cost more than the request's parsing. */
  #startClock(): NodeJS.Timeout {
    const { connectTimeout, headersTimeout, bodyTimeout } = this.#settings;
    const shortest = Math.min(connectTimeout, headersTimeout, bodyTimeout) / STEP_SHARE;
    const step = Math.round(Math.min(LONGEST_STEP_MS, Math.max(SHORTEST_STEP_MS, shortest)));
    this.#now = performance.now();
    return setInterval(() => {
      this.#now = performance.now();
      for (const connection of this.#all) connection.sweep();
    }, step).unref();
  }
}
