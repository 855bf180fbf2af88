import type { IncomingMessage } from "node:http";
import type { MetFlag } from "@aibos/contract";
import { peerOf } from "./forwarding-facts.ts";
import type { GatewayProblemCode } from "./problem.ts";

/**
 * How an exchange failed, apart from what its status says:
 * - `refused`: the gateway itself answered, with `problem`
 * - `unreachable`: no connection to any process of the version
 * - `timeout`: a process did not answer, or not go on, in time
 * - `broken`: a process broke off, before its answer or in the middle of it
 * - `client-gone`: the client left before the end
 * - `cut`: the gateway ended it, because its route changed or the gateway stops
 */
export type ExchangeFailure = "refused" | "unreachable" | "timeout" | "broken" | "client-gone" | "cut";

/** One request and its answer, or one upgraded connection. Times are milliseconds, sizes bytes of content. */
export interface Exchange {
  readonly kind: "request" | "upgrade";
  readonly requestId: string;
  /** Of the distributed trace that the module's part belongs to; undefined as long as no version is chosen. */
  readonly traceId: string | undefined;
  /** Path and query as the client sent them: not for logs as it is. */
  readonly target: string;
  readonly protocol: "1.0" | "1.1" | "2";
  /** Address of the client's connection. */
  readonly client: string;
  /** Undefined as long as nothing tells whom the request is for. Text from outside: it may name no tenant at all. */
  readonly tenant: string | undefined;
  readonly module: string | undefined;
  /** Undefined as long as no version is chosen. */
  readonly version: string | undefined;
  readonly method: string;
  /** Of the client's answer; undefined while, and when, there was none. 101 for an upgrade that was made. */
  readonly status: number | undefined;
  /** What the gateway answered by itself. */
  readonly problem: GatewayProblemCode | undefined;
  readonly failure: ExchangeFailure | undefined;
  /** Since the epoch. */
  readonly startedAt: number;
  readonly times: {
    /** From the request's headers to the end of the answer, or of the connection. */
    readonly total: number;
    /** Before a version was chosen: mostly the wait for a hold to end. */
    readonly held: number | undefined;
    /** From there to the headers of the module's answer. */
    readonly answer: number | undefined;
  };
  readonly bytes: { readonly received: number; readonly sent: number };
  /** Base URL of the process that the request went to last. */
  readonly upstream: string | undefined;
  /** Guarded rollouts of flags that the request met, as the module's answer says. */
  readonly met: readonly MetFlag[] | undefined;
}

/** Hears of every exchange. Called while requests are served: it must be quick, and must not throw. */
export interface ExchangeObserver {
  /** A version was chosen; what is in flight for it grows by one. */
  readonly forwarding?: (exchange: Exchange) => void;
  /** The exchange is over; called once for each, also for refused ones. */
  readonly ended: (exchange: Exchange) => void;
}

/** An exchange as it is filled in on the way. */
export class ExchangeRecord implements Exchange {
  readonly kind: Exchange["kind"];
  readonly requestId: string;
  readonly method: string;
  readonly startedAt: number;
  readonly target: string;
  readonly protocol: Exchange["protocol"];
  readonly client: string;
  readonly #observers: readonly ExchangeObserver[];
  readonly #start = performance.now();
  #chosenAt: number | undefined;
  #answeredAt: number | undefined;
  #endedAt: number | undefined;
  traceId: string | undefined;
  tenant: string | undefined;
  module: string | undefined;
  version: string | undefined;
  status: number | undefined;
  problem: GatewayProblemCode | undefined;
  failure: ExchangeFailure | undefined;
  upstream: string | undefined;
  met: readonly MetFlag[] | undefined;
  received = 0;
  sent = 0;

  constructor(
    kind: Exchange["kind"],
    request: IncomingMessage,
    requestId: string,
    now: number,
    observers: readonly ExchangeObserver[],
  ) {
    this.kind = kind;
    this.requestId = requestId;
    this.method = request.method ?? "";
    this.target = request.url ?? "";
    this.protocol = request.httpVersionMajor === 2 ? "2" : request.httpVersion === "1.0" ? "1.0" : "1.1";
    this.client = peerOf(request.socket).address;
    this.startedAt = now;
    this.#observers = observers;
  }

  get times(): Exchange["times"] {
    const chosen = this.#chosenAt;
    return {
      total: (this.#endedAt ?? performance.now()) - this.#start,
      held: chosen === undefined ? undefined : chosen - this.#start,
      answer: chosen === undefined || this.#answeredAt === undefined ? undefined : this.#answeredAt - chosen,
    };
  }

  get bytes(): Exchange["bytes"] {
    return { received: this.received, sent: this.sent };
  }

  /** The version that gets the request. */
  chosen(version: string): void {
    this.version = version;
    this.#chosenAt = performance.now();
    for (const observer of this.#observers) observer.forwarding?.(this);
  }

  /** A process answers. */
  answered(status: number): void {
    this.status = status;
    this.#answeredAt = performance.now();
  }

  /** The gateway answers by itself. */
  refused(problem: GatewayProblemCode, status: number): void {
    this.problem = problem;
    this.status = status;
    this.failed("refused");
  }

  /** The first failure is the one that counts: those that follow are its consequences. */
  failed(failure: ExchangeFailure): void {
    this.failure ??= failure;
  }

  /** Further calls do nothing. */
  end(): void {
    if (this.#endedAt !== undefined) return;
    this.#endedAt = performance.now();
    for (const observer of this.#observers) observer.ended(this);
  }
}
