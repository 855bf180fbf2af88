import {
  MONITOR_PATH,
  type PerformanceReport,
  performanceReportSchema,
  monitorQuerySchema,
  ROUTES,
} from "@aibos/contract";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { honoPath } from "./api-routes.ts";
import type { HttpEnvironment } from "./http-context.ts";
import type { OpenStreams } from "./open-streams.ts";
import { problemAnswers, SECURITY } from "./openapi-parts.ts";
import { parseInput, readQuery } from "./route-input.ts";

export type MonitorSource = (
  query: { tenant: string; module: string; window: number; interval: number },
  signal?: AbortSignal,
) => AsyncIterable<PerformanceReport>;

/** Watching what is measured of a tenant's live versions: a report a line, until the reader leaves. */
export function addMonitorRoute(
  app: OpenAPIHono<HttpEnvironment>,
  { monitor, streams }: { monitor: MonitorSource; streams: OpenStreams },
): void {
  const { params } = ROUTES.getTenantModule;
  app.openAPIRegistry.registerPath(
    createRoute({
      operationId: "monitorVersionPerformance",
      method: "get",
      path: MONITOR_PATH,
      tags: ["Measurements"],
      summary:
        "What is measured of a tenant's live versions: newline-delimited JSON, a report a line every few seconds",
      security: SECURITY,
      request: { params, query: monitorQuerySchema },
      responses: {
        200: {
          description: "A report a line; blank lines keep the connection alive",
          content: { "application/x-ndjson": { schema: performanceReportSchema } },
        },
        ...problemAnswers(400, 401, 404, 500),
      },
    }),
  );
  app.get(honoPath(MONITOR_PATH), async (c) => {
    const target = parseInput(params, c.req.param());
    const query = parseInput(monitorQuerySchema, readQuery(c.req.url));
    return streams.answer(c, (signal) => monitor({ ...target, ...query }, signal));
  });
}
