import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("@aibos/control-plane");

/**
 * Runs a request's work in a span, as part of the trace that its headers name. Only OpenTelemetry's API is used: without
 * an SDK in the process, the work is run and nothing else.
 */
export function inRequestSpan(
  request: { readonly method: string; readonly headers: Headers; readonly requestId: string },
  work: () => Promise<{ readonly status: number; readonly route: string }>,
): Promise<void> {
  const { method, headers, requestId } = request;
  const parent = propagation.extract(context.active(), headers, {
    get: (from, name) => from.get(name) ?? undefined,
    keys: (from) => [...from.keys()],
  });
  const options = {
    kind: SpanKind.SERVER,
    attributes: { "http.request.method": method, "aibos.request_id": requestId },
  };
  return tracer.startActiveSpan(method, options, parent, async (span) => {
    try {
      const { status, route } = await work();
      span.updateName(`${method} ${route}`);
      span.setAttributes({ "http.response.status_code": status, "http.route": route });
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    } finally {
      span.end();
    }
  });
}
