import type { IncomingMessage, ServerResponse } from "node:http";
import {
  addTrailers,
  beginAnswer,
  breakOff,
  endAnswer,
  informClient,
  isGone,
  limitSilence,
  type SilenceLimit,
  wentOut,
} from "./client-answer.ts";
import { ClientFault } from "./client-fault.ts";
import { type AnswerFacts, clientHeaders, clientTrailers, metFlagsOf } from "./client-headers.ts";
import type { ExchangeFailure, ExchangeRecord } from "./exchange.ts";
import type { GatewaySettings } from "./gateway-options.ts";
import { type GatewayProblem, sendProblem } from "./problem.ts";
import { type BodyLimits, hasBody, RequestBody } from "./request-body.ts";
import { discardUnreadBody } from "./unread-body.ts";
import {
  exchangeFailureOf,
  isFaultOfGateway,
  isFaultOfRequest,
  isLostConnection,
  upstreamProblem,
} from "./upstream-failure.ts";
import { upstreamTrailers } from "./upstream-headers.ts";
import type { UpstreamControl, UpstreamHandler } from "./upstream-client/upstream-connection.ts";
import type { Upstream } from "./upstream-pools.ts";

/** How one try at an upstream went: what tells a healthy process from a sick one. */
export interface Attempt {
  readonly upstream: Upstream;
  /** Undefined when it answered, whatever it said. A try that the client gave up is not told at all. */
  readonly failure: ExchangeFailure | undefined;
  readonly status: number | undefined;
}

/** One request that is to be answered by an upstream. */
export interface ForwardJob {
  /** Filled in on the way; whoever began it ends it. */
  readonly exchange: ExchangeRecord;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path and query for the upstream. */
  readonly path: string;
  /** Raw header list for the upstream. */
  readonly headers: string[];
  readonly answer: AnswerFacts;
  readonly limits: BodyLimits & Pick<GatewaySettings, "clientReadTimeout">;
  /** Whether the client waits for "100 Continue" before it sends the body. */
  readonly expectsContinue: boolean;
  /** Another upstream than those tried; undefined when there is none. */
  readonly next: (tried: ReadonlySet<Upstream>) => Upstream | undefined;
  /** Called at the end of every try, before the next one. */
  readonly attempted: (attempt: Attempt) => void;
  /** The answer is an event stream: it may go on for days. Called at most once, with what cuts it off. */
  readonly streaming: (cut: () => void) => void;
  /** No upstream works on the request any more. Called once. */
  readonly ended: () => void;
  readonly failed: (error: Error, when: "before answer" | "during answer") => void;
}

/** Methods whose repetition changes nothing (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
export const NO_UPSTREAM: GatewayProblem = {
  code: "AIBOS_GATEWAY_NO_UPSTREAM",
  detail: "No process of this module's version is healthy at the moment. Try again shortly.",
  retryAfterSeconds: 1,
};

/** Takes a request to an upstream, and its answer back to the client. Every way in which that ends is the job's. */
export function forwardRequest(job: ForwardJob): void {
  new Forward(job).start();
}

/**
 * The life of one forwarded request:
 *
 *   waiting ──connected──▶ sent ──first byte──▶ answering ──▶ ended
 *      │ can't connect       │ connection lost       │ broke off
 *      ▼                     ▼                       ▼
 *   next upstream,        once more when it is    the client's answer is broken off:
 *   or 502, 503, 504      idempotent and has      half an answer must not look whole
 *                         no body, else 502, 504
 *
 * A client that goes away ends it in every state, and the upstream's connection with it; so does one that sends too
 * much or too slowly, and one that does not take its answer.
 */
class Forward implements UpstreamHandler {
  readonly #job: ForwardJob;
  readonly #withBody: boolean;
  readonly #tried = new Set<Upstream>();
  #body: RequestBody | null = null;
  #upstream: Upstream | undefined;
  #control: UpstreamControl | undefined;
  /** Whether it waits for a connection. */
  #waits = false;
  #sent = false;
  #repeated = false;
  #answering = false;
  /** The first part of the answer's body, until it is known whether it is the only one. */
  #first: Buffer | undefined;
  /** Whether the answer's head may still go out together with what comes next. */
  #headWaits = false;
  #clientGone = false;
  /** Of the client, once a part of the answer had to wait for it. */
  #silence: SilenceLimit | undefined;

  constructor(job: ForwardJob) {
    this.#job = job;
    this.#withBody = hasBody(job.request);
    job.response.once("close", () => {
      if (wentOut(job.response)) return;
      this.#clientGone = true;
      if (this.#control !== undefined) this.#control.abort(new Error("The client went away."));
      else if (this.#waits) {
        this.#waits = false;
        this.#upstream?.pool.withdraw(this);
        job.ended();
      }
    });
  }

  /** Sends the request to the next upstream. */
  start(before?: Error): void {
    const { request, exchange, limits } = this.#job;
    const upstream = this.#job.next(this.#tried);
    if (upstream === undefined) {
      if (before !== undefined) exchange.failed(exchangeFailureOf(before, this.#sent));
      this.#refuse(before === undefined ? NO_UPSTREAM : upstreamProblem(before));
      return;
    }
    this.#tried.add(upstream);
    this.#upstream = upstream;
    exchange.upstream = upstream.url.href;
    this.#sent = false;
    this.#waits = true;
    this.#body = this.#withBody ? new RequestBody(request, exchange, limits, () => this.#continue()) : null;
    upstream.pool.dispatch(
      {
        path: upstream.basePath + this.#job.path,
        method: request.method ?? "GET",
        headers: this.#job.headers,
        body: this.#body,
        trailers: () => upstreamTrailers(request),
        // A process that was restarted has ended all connections that are kept, not only the one that was tried.
        onNewConnection: this.#repeated,
      },
      this,
    );
  }

  started(control: UpstreamControl): void {
    this.#control = control;
    this.#waits = false;
    this.#sent = true;
  }

  head(status: number, text: string, headers: string[]): void {
    const { request, response, answer, exchange } = this.#job;
    if (status < 200) {
      informClient(request, response, status, headers);
      return;
    }
    beginAnswer(response, status, text, clientHeaders(headers, answer));
    this.#answering = true;
    exchange.answered(status);
    exchange.met = metFlagsOf(headers);
    if (isEventStream(headers)) {
      this.#job.streaming(() => {
        exchange.failed("cut");
        breakOff(request, response);
      });
    }
    this.#headWaits = true;
  }

  data(chunk: Buffer): void {
    this.#job.exchange.sent += chunk.length;
    if (this.#headWaits && this.#first === undefined) {
      this.#first = chunk;
      return;
    }
    this.#headWaits = false;
    if (this.#first !== undefined) this.#writeFirst();
    this.#write(chunk);
  }

  /**
   * Head and body go out together where the body has come whole, as that of most answers has; what is there of others
   * goes out now.
   */
  flush(): void {
    if (!this.#headWaits) return;
    this.#headWaits = false;
    const { response } = this.#job;
    if (response.writableEnded || isGone(response)) return;
    if (this.#first === undefined) response.flushHeaders();
    else this.#writeFirst();
  }

  #writeFirst(): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) this.#write(first);
  }

  #write(chunk: Buffer): void {
    const { response } = this.#job;
    if (response.write(chunk)) return;
    this.#control?.pause();
    this.#watchSilence().start();
  }

  #watchSilence(): SilenceLimit {
    return (this.#silence ??= this.#limitSilence());
  }

  #limitSilence(): SilenceLimit {
    const { request, response, exchange, limits } = this.#job;
    const silence = limitSilence(response, limits.clientReadTimeout, () => {
      exchange.failed("client-gone");
      breakOff(request, response);
    });
    response.on("drain", () => {
      silence.stop();
      this.#control?.resume();
    });
    return silence;
  }

  end(trailers: string[]): void {
    const { request, response } = this.#job;
    // The connection is another request's from now on.
    this.#control = undefined;
    this.#headWaits = false;
    addTrailers(response, clientTrailers(trailers));
    discardUnreadBody(request, response);
    endAnswer(response, this.#first);
    this.#first = undefined;
    if (response.writableLength > 0) this.#watchSilence().start();
    this.#attempted(undefined);
    this.#job.ended();
  }

  failed(error: Error): void {
    this.#control = undefined;
    this.#waits = false;
    if (this.#clientGone) {
      this.#job.ended();
      return;
    }
    if (error instanceof ClientFault) {
      this.#job.exchange.failed("refused");
      if (this.#answering) this.#breakOff();
      else this.#refuse(error.problem);
      return;
    }
    if (!isFaultOfRequest(error) && !isFaultOfGateway(error)) this.#attempted(exchangeFailureOf(error, this.#sent));
    if (this.#answering) {
      this.#fail(error, "during answer");
      this.#breakOff();
      return;
    }
    if (!this.#sent && this.#body?.started !== true) {
      this.#retry(error);
      return;
    }
    const repeatable = !this.#withBody && IDEMPOTENT.has(this.#job.request.method ?? "");
    if (repeatable && !this.#repeated && isLostConnection(error)) {
      this.#repeated = true;
      this.#tried.clear();
      this.#retry(error);
      return;
    }
    this.#fail(error, "before answer");
    this.#refuse(upstreamProblem(error));
  }

  #attempted(failure: ExchangeFailure | undefined): void {
    const { exchange, attempted } = this.#job;
    if (this.#upstream !== undefined) attempted({ upstream: this.#upstream, failure, status: exchange.status });
  }

  #fail(error: Error, when: "before answer" | "during answer"): void {
    this.#job.exchange.failed(exchangeFailureOf(error, this.#sent));
    this.#job.failed(error, when);
  }

  #breakOff(): void {
    breakOff(this.#job.request, this.#job.response);
    this.#job.ended();
  }

  #retry(error: Error): void {
    this.#body?.destroy();
    this.#control = undefined;
    this.start(error);
  }

  #refuse(problem: GatewayProblem): void {
    const { request, response, exchange } = this.#job;
    this.#body?.destroy();
    discardUnreadBody(request, response);
    sendProblem(response, problem, exchange);
    this.#job.ended();
  }

  #continue(): void {
    const { response, expectsContinue } = this.#job;
    if (expectsContinue && !response.headersSent && !isGone(response)) response.writeContinue();
  }
}

function isEventStream(headers: readonly string[]): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (name.length !== 12 || name.toLowerCase() !== "content-type") continue;
    return /^text\/event-stream\b/i.test(headers[index + 1] ?? "");
  }
  return false;
}
