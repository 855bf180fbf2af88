import { type LogLine, logLineSchema, logQuerySchema, ROUTES, WATCH_LOG_PATH } from "@aibos/contract";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { honoPath } from "./api-routes.ts";
import type { HttpEnvironment } from "./http-context.ts";
import type { OpenStreams } from "./open-streams.ts";
import { problemAnswers, SECURITY } from "./openapi-parts.ts";
import { parseInput } from "./route-input.ts";

/** Watching what an operation says: a line at a time, until it has ended. */
export function addWatchLogRoute(
  app: OpenAPIHono<HttpEnvironment>,
  parts: {
    watchMigrationLog: (migrationId: string, after: number, signal?: AbortSignal) => AsyncIterable<LogLine>;
    streams: OpenStreams;
  },
): void {
  const { params } = ROUTES.getMigration;
  const query = logQuerySchema.omit({ limit: true });
  app.openAPIRegistry.registerPath(
    createRoute({
      operationId: "watchMigrationLog",
      method: "get",
      path: WATCH_LOG_PATH,
      tags: ["Migrations"],
      summary: "Watches what is run and said while an operation is under way, until it has ended",
      security: SECURITY,
      request: { params, query },
      responses: {
        200: {
          description: "A line of the log a line; blank lines keep the connection alive",
          content: { "application/x-ndjson": { schema: logLineSchema } },
        },
        ...problemAnswers(400, 401, 404, 500),
      },
    }),
  );
  app.get(honoPath(WATCH_LOG_PATH), async (c) => {
    const { migrationId } = parseInput(params, c.req.param());
    const { after } = parseInput(query, c.req.query());
    return parts.streams.answer(c, (signal) => parts.watchMigrationLog(migrationId, after, signal));
  });
}
