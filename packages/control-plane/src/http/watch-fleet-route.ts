import { type FleetUpgrade, fleetUpgradeSchema, ROUTES, WATCH_FLEET_PATH } from "@aibos/contract";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { honoPath } from "./api-routes.ts";
import type { HttpEnvironment } from "./http-context.ts";
import type { OpenStreams } from "./open-streams.ts";
import { problemAnswers, SECURITY } from "./openapi-parts.ts";
import { parseInput } from "./route-input.ts";

/** Watching a fleet upgrade, until it has ended or halted. */
export function addWatchFleetRoute(
  app: OpenAPIHono<HttpEnvironment>,
  parts: {
    watchFleetUpgrade: (fleetUpgradeId: string, signal?: AbortSignal) => AsyncIterable<FleetUpgrade>;
    streams: OpenStreams;
  },
): void {
  const { params } = ROUTES.getFleetUpgrade;
  app.openAPIRegistry.registerPath(
    createRoute({
      operationId: "watchFleetUpgrade",
      method: "get",
      path: WATCH_FLEET_PATH,
      tags: ["Fleet upgrades"],
      summary: "Watches a fleet upgrade: newline-delimited JSON or server-sent events, until it has ended or halted",
      security: SECURITY,
      request: { params },
      responses: {
        200: {
          description: "How it stands, at each change: lines of JSON, or events where text/event-stream is accepted",
          content: {
            "application/x-ndjson": { schema: fleetUpgradeSchema },
            "text/event-stream": { schema: fleetUpgradeSchema },
          },
        },
        ...problemAnswers(400, 401, 404, 500),
      },
    }),
  );
  app.get(honoPath(WATCH_FLEET_PATH), async (c) => {
    const { fleetUpgradeId } = parseInput(params, c.req.param());
    return parts.streams.answer(c, (signal) => parts.watchFleetUpgrade(fleetUpgradeId, signal));
  });
}
