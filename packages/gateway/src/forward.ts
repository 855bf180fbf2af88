import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { addTrailers, beginAnswer, breakOff, endAnswer, informClient, isGone, wentOut } from "./client-answer.ts";
import { ClientFault } from "./client-fault.ts";
import { type AnswerFacts, clientHeaders } from "./client-headers.ts";
import type { ExchangeFailure, ExchangeRecord } from "./exchange.ts";
import type { GatewaySettings } from "./gateway-options.ts";
import { type GatewayProblem, sendProblem } from "./problem.ts";
import { type BodyLimits, hasBody, RequestBody } from "./request-body.ts";
import { discardUnreadBody } from "./unread-body.ts";
import { exchangeFailureOf, isFaultOfRequest, isLostConnection, upstreamProblem } from "./upstream-failure.ts";
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
class Forward implements Dispatcher.DispatchHandler {
  readonly #job: ForwardJob;
  readonly #withBody: boolean;
  readonly #tried = new Set<Upstream>();
  #body: RequestBody | null = null;
  #upstream: Upstream | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #sent = false;
  #repeated = false;
  #answering = false;
  /** The first part of the answer's body, until it is known whether it is the only one. */
  #first: Buffer | undefined;
  /** Whether the answer's head may still go out together with what comes next. */
  #headWaits = false;
  #clientGone = false;
  /** Runs while the client takes nothing of its answer. */
  #stuck: NodeJS.Timeout | undefined;
  #listensForDrain = false;

  constructor(job: ForwardJob) {
    this.#job = job;
    this.#withBody = hasBody(job.request);
    job.response.once("close", () => {
      clearTimeout(this.#stuck);
      if (wentOut(job.response)) return;
      this.#clientGone = true;
      this.#controller?.abort(new Error("The client went away."));
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
    this.#body = this.#withBody ? new RequestBody(request, exchange, limits, () => this.#continue()) : null;
    upstream.pool.dispatch(
      {
        path: upstream.basePath + this.#job.path,
        method: request.method ?? "GET",
        headers: this.#job.headers,
        body: this.#body,
      },
      this,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#sent = true;
    if (this.#clientGone) controller.abort(new Error("The client went away."));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText?: string,
  ): void {
    const { request, response, answer, exchange } = this.#job;
    if (status < 200) {
      informClient(request, response, status, headers);
      return;
    }
    beginAnswer(response, status, statusText ?? "", clientHeaders(rawList(controller.rawHeaders), answer));
    this.#answering = true;
    exchange.answered(status);
    if (isEventStream(headers["content-type"])) {
      this.#job.streaming(() => {
        exchange.failed("cut");
        breakOff(request, response);
      });
    }
    // Head and body go out together where the body has come whole, as that of most answers has; what is there of
    // others goes out as soon as all that arrived was looked at.
    this.#headWaits = true;
    queueMicrotask(() => {
      if (!this.#headWaits) return;
      this.#headWaits = false;
      if (response.writableEnded || isGone(response)) return;
      if (this.#first === undefined) response.flushHeaders();
      else this.#writeFirst(controller);
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#job.exchange.sent += chunk.length;
    if (this.#headWaits && this.#first === undefined) {
      this.#first = chunk;
      return;
    }
    this.#headWaits = false;
    if (this.#first !== undefined) this.#writeFirst(controller);
    this.#write(controller, chunk);
  }

  #writeFirst(controller: Dispatcher.DispatchController): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) this.#write(controller, first);
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response, exchange, limits } = this.#job;
    if (response.write(chunk) || this.#stuck !== undefined) return;
    controller.pause();
    this.#stuck = setTimeout(() => {
      exchange.failed("client-gone");
      breakOff(this.#job.request, response);
    }, limits.clientReadTimeout);
    if (this.#listensForDrain) return;
    this.#listensForDrain = true;
    response.on("drain", () => {
      clearTimeout(this.#stuck);
      this.#stuck = undefined;
      controller.resume();
    });
  }

  onResponseEnd(
    _controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[] | undefined>,
  ): void {
    const { request, response } = this.#job;
    this.#headWaits = false;
    addTrailers(response, trailers);
    discardUnreadBody(request, response);
    endAnswer(response, this.#first);
    this.#first = undefined;
    this.#attempted(undefined);
    this.#job.ended();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
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
    if (!isFaultOfRequest(error)) this.#attempted(exchangeFailureOf(error, this.#sent));
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
    this.#controller = undefined;
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

function isEventStream(type: string | string[] | undefined): boolean {
  return typeof type === "string" && /^text\/event-stream\b/i.test(type);
}

function rawList(raw: Dispatcher.DispatchController["rawHeaders"]): string[] {
  const list: string[] = [];
  if (Array.isArray(raw)) for (const part of raw) list.push(typeof part === "string" ? part : part.toString("latin1"));
  return list;
}
