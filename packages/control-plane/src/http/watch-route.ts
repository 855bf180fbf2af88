import { type Migration, migrationSchema, ROUTES, WATCH_PATH } from "@aibos/contract";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { honoPath } from "./api-routes.ts";
import type { HttpEnvironment } from "./http-context.ts";
import type { OpenStreams } from "./open-streams.ts";
import { problemAnswers, SECURITY } from "./openapi-parts.ts";
import { parseInput } from "./route-input.ts";

/** Watching an operation: a line at each change, until it has ended. */
export function addWatchRoute(
  app: OpenAPIHono<HttpEnvironment>,
  parts: {
    watchMigration: (migrationId: string, signal?: AbortSignal) => AsyncIterable<Migration>;
    streams: OpenStreams;
  },
): void {
  const { params } = ROUTES.getMigration;
  app.openAPIRegistry.registerPath(
    createRoute({
      operationId: "watchMigration",
      method: "get",
      path: WATCH_PATH,
      tags: ["Migrations"],
      summary: "Watches an operation: newline-delimited JSON, a migration a line, until it has ended",
      security: SECURITY,
      request: { params },
      responses: {
        200: {
          description: "A migration a line; blank lines keep the connection alive",
          content: { "application/x-ndjson": { schema: migrationSchema } },
        },
        ...problemAnswers(400, 401, 404, 500),
      },
    }),
  );
  app.get(honoPath(WATCH_PATH), async (c) => {
    const { migrationId } = parseInput(params, c.req.param());
    return parts.streams.answer(c, (signal) => parts.watchMigration(migrationId, signal));
  });
}
