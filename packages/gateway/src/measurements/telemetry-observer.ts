import { createNoopMeter, metrics, ProxyTracerProvider, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ExchangeObserver } from "../exchange.ts";
import { latencyOf, requestErrorOf } from "./measured-exchange.ts";

const NAME = "@aibos/gateway";

/**
 * Tells OpenTelemetry of every exchange that came to a version: a span, and a duration by module and version. Only its
 * API is used. An SDK must be there when the gateway starts: without one there is no observer, since what describes an
 * exchange costs a good part of what it takes to serve it.
 */
export function createTelemetryObserver(): ExchangeObserver | undefined {
  const tracer = trace.getTracer(NAME);
  const meter = metrics.getMeter(NAME);
  if (meter === createNoopMeter() && !isTraced()) return undefined;
  const duration = meter.createHistogram("http.server.request.duration", {
    unit: "s",
    description: "Time from the choice of a version to the headers of its answer.",
  });
  const active = meter.createUpDownCounter("http.server.active_requests", {
    description: "Requests and connections under way.",
  });

  return {
    forwarding({ module, version }) {
      active.add(1, { "aibos.module": module, "aibos.version": version });
    },
    ended(exchange) {
      const { module, version, tenant, method, status, startedAt, times } = exchange;
      if (module === undefined || version === undefined) return;
      const series = { "aibos.module": module, "aibos.version": version };
      active.add(-1, series);
      const error = requestErrorOf(exchange);
      const seen = {
        ...series,
        "http.request.method": method,
        ...(status !== undefined && { "http.response.status_code": status }),
        ...(error !== undefined && { "error.type": error }),
      };
      const latency = latencyOf(exchange);
      if (latency !== undefined) duration.record(latency / 1_000, seen);
      const attributes = { ...seen, "aibos.tenant": tenant, "aibos.request_id": exchange.requestId };
      const span = tracer.startSpan(`${method} ${module}`, { kind: SpanKind.SERVER, startTime: startedAt, attributes });
      if (error !== undefined && error !== "client") span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      span.end(startedAt + times.total);
    },
  };
}

/** Whether somebody set a tracer provider; one that nobody set gives what the API gives by itself. */
function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  if (!(provider instanceof ProxyTracerProvider)) return true;
  return provider.getDelegate() !== new ProxyTracerProvider().getDelegate();
}
