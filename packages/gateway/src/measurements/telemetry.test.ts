import { metrics, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect, onTestFinished, test } from "vitest";
import { startFakeUpstream } from "../testing/fake-upstream.ts";
import { endpointsOf, gatewayWith, routeOf } from "../testing/started-gateway.ts";

test("an SDK in the process hears of every exchange, as a span and as a duration", async () => {
  const spans = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  onTestFinished(async () => {
    trace.disable();
    metrics.disable();
    await reader.shutdown();
  });

  const upstream = await startFakeUpstream((request, response) => {
    response.writeHead(request.url === "/bad" ? 500 : 200).end(String(request.headers["traceparent"]));
  });
  const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()]);
  for (const path of ["good", "bad"]) await (await fetch(`${gateway.url}/t/acme/notes/${path}`)).text();
  await expect.poll(() => spans.getFinishedSpans().length).toBe(2);
  expect(spans.getFinishedSpans().map(({ name, attributes, status }) => [name, attributes, status.message])).toEqual([
    ["GET notes", expect.objectContaining({ "aibos.tenant": "acme", "http.response.status_code": 200 }), undefined],
    ["GET notes", expect.objectContaining({ "aibos.version": "1.0.0", "error.type": "server" }), "server"],
  ]);

  // In the trace that the client began, between its span and the module's.
  const fields = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=1" };
  const heard = await (await fetch(`${gateway.url}/t/acme/notes/joined`, { headers: fields })).text();
  await expect.poll(() => spans.getFinishedSpans().length).toBe(3);
  const joined = spans.getFinishedSpans()[2];
  const { traceId, spanId } = joined?.spanContext() ?? {};
  expect([traceId, joined?.parentSpanContext?.spanId]).toEqual(fields.traceparent.split("-").slice(1, 3));
  expect(heard).toBe(`00-${traceId}-${spanId}-01`);
  // One that nobody began has no span above it, and the module's is below it all the same.
  const [first] = spans.getFinishedSpans();
  expect(first?.parentSpanContext).toBeUndefined();

  await reader.forceFlush();
  const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const duration = found.find(({ descriptor }) => descriptor.name === "http.server.request.duration");
  expect(duration?.dataPoints.map(({ attributes }) => attributes["error.type"])).toEqual([undefined, "server"]);
  const active = found.find(({ descriptor }) => descriptor.name === "http.server.active_requests");
  expect(active?.dataPoints.map(({ value }) => value)).toEqual([0]);
});
