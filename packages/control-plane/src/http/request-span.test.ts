import { trace } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect, onTestFinished, test } from "vitest";
import { createHttpApp } from "./app.ts";
import { BEARER, fakeHandlers, fakePlatform, someTenant } from "./testing/fake-platform.ts";

test("an SDK in the process gets a span for each request, named by its route and not by what is in it", async () => {
  const spans = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  onTestFinished(() => trace.disable());
  const app = createHttpApp(fakePlatform({ handlers: fakeHandlers({ getTenant: async () => someTenant() }) }));
  for (const path of ["/v1/tenants/acme", "/v1/modules"]) await app.request(path, { headers: BEARER });
  expect(
    spans.getFinishedSpans().map(({ name, attributes }) => [name, attributes["http.response.status_code"]]),
  ).toEqual([
    ["GET /v1/tenants/:tenant", 200],
    ["GET /v1/modules", 500],
  ]);
});
