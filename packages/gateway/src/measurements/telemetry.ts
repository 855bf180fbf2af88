import {
  createNoopMeter,
  createTraceState,
  isSpanContextValid,
  metrics,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Exchange, ExchangeObserver } from "../exchange.ts";
import type { TraceContext } from "../trace-context.ts";
import { latencyOf, requestErrorOf } from "./measured-exchange.ts";

const NAME = "@aibos/gateway";

export interface Telemetry {
  readonly observer: ExchangeObserver;
  /**
   * Begins an exchange's span, in the trace that the client began if it began one. Returns what the module gets, so that
   * its spans are below the gateway's: what came, where nobody records spans.
   */
  begin(exchange: Exchange, received: TraceContext): TraceContext;
}

/**
 * Tells OpenTelemetry of every exchange that came to a version: a span, and a duration by module and version. Only its
 * API is used. An SDK must be there when the gateway starts: without one there is none of it, since what describes an
 * exchange costs a good part of what it takes to serve it.
 */
export function createTelemetry(): Telemetry | undefined {
  const tracer = trace.getTracer(NAME);
  const meter = metrics.getMeter(NAME);
  const hasSpans = isTraced();
  if (meter === createNoopMeter() && !hasSpans) return undefined;
  const spans = new WeakMap<Exchange, Span>();
  const duration = meter.createHistogram("http.server.request.duration", {
    unit: "s",
    description: "Time from the choice of a version to the headers of its answer.",
  });
  const active = meter.createUpDownCounter("http.server.active_requests", {
    description: "Requests and connections under way.",
  });

  function begin(exchange: Exchange, received: TraceContext): TraceContext {
    if (!hasSpans) return received;
    const { method, module = "", version, tenant, requestId, startedAt } = exchange;
    const attributes = {
      "aibos.module": module,
      "aibos.version": version,
      "aibos.tenant": tenant,
      "aibos.request_id": requestId,
      "http.request.method": method,
    };
    const span = tracer.startSpan(
      `${method} ${module}`,
      { kind: SpanKind.SERVER, startTime: startedAt, attributes },
      received.isNew ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remoteOf(received)),
    );
    spans.set(exchange, span);
    const own = span.spanContext();
    if (!isSpanContextValid(own)) return received;
    const flags = own.traceFlags.toString(16).padStart(2, "0");
    const parent = `00-${own.traceId}-${own.spanId}-${flags}`;
    return { traceId: own.traceId, parent, state: own.traceState?.serialize() || undefined, isNew: received.isNew };
  }

  return {
    begin,
    observer: {
      forwarding({ module, version }) {
        active.add(1, { "aibos.module": module, "aibos.version": version });
      },
      ended(exchange) {
        const { module, version, method, status, startedAt, times } = exchange;
        if (module === undefined || version === undefined) return;
        const series = { "aibos.module": module, "aibos.version": version };
        active.add(-1, series);
        const error = requestErrorOf(exchange);
        const outcome = {
          ...(status !== undefined && { "http.response.status_code": status }),
          ...(error !== undefined && { "error.type": error }),
        };
        const latency = latencyOf(exchange);
        if (latency !== undefined)
          duration.record(latency / 1_000, { ...series, "http.request.method": method, ...outcome });
        const span = spans.get(exchange);
        if (span === undefined) return;
        span.setAttributes(outcome);
        if (error !== undefined && error !== "client") span.setStatus({ code: SpanStatusCode.ERROR, message: error });
        span.end(startedAt + times.total);
      },
    },
  };
}

/** A `traceparent` that was found valid, as the API has it. */
function remoteOf({ parent, state }: TraceContext) {
  const [, traceId = "", spanId = "", flags = "0"] = parent.split("-");
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  };
}

/** Whether somebody set a tracer provider; one that nobody set gives what the API gives by itself. */
function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  if (!(provider instanceof ProxyTracerProvider)) return true;
  return provider.getDelegate() !== new ProxyTracerProvider().getDelegate();
}
