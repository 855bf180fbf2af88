import { metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ExchangeObserver } from "../exchange.ts";
import { latencyOf, requestErrorOf } from "./measured-exchange.ts";

const NAME = "@aibos/gateway";

/**
 * Tells OpenTelemetry of every exchange that came to a version: a span, and a duration by module and version. Only its
 * API is used: without an SDK in the process, nothing is done. An SDK must be there when the gateway starts.
 */
export function createTelemetryObserver(): ExchangeObserver {
  const tracer = trace.getTracer(NAME);
  const meter = metrics.getMeter(NAME);
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
