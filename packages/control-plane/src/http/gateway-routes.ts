import {
  type FeedMessage,
  GATEWAY_FEED_PATH,
  GATEWAY_MEASUREMENTS_PATH,
  GATEWAY_REPORT_PATH,
  type GatewayReport,
  gatewayReportSchema,
  type MeasurementBatch,
  measurementBatchSchema,
} from "@aibos/contract";
import { z } from "zod";
import type { HttpRoutes } from "./http-context.ts";
import type { OpenStreams } from "./open-streams.ts";
import { readJson } from "./request-body.ts";
import { parseInput, readQuery } from "./route-input.ts";

/** A report names every route with older requests under way: a busy gateway has many. */
const REPORT_LIMIT_BYTES = 16 * 1024 * 1024;
/** A batch of as many rows as are allowed has a tenth of it. */
const BATCH_LIMIT_BYTES = 16 * 1024 * 1024;

/** Where gateways come for routes; `RouteFeed` of the feature is one. */
export interface FeedSource {
  subscribe(request: { feed?: string | undefined; since: number; signal?: AbortSignal }): AsyncIterable<FeedMessage>;
}

const feedQuerySchema = z.strictObject({
  gateway: gatewayReportSchema.shape.gatewayId,
  feed: z.string().max(100).optional(),
  since: z.coerce.number().int().nonnegative().default(0),
});

/** Between control plane and gateways. Not in the OpenAPI document: nobody else shall build on it. */
export function addGatewayRoutes(
  app: HttpRoutes,
  parts: {
    feed: FeedSource;
    recordReport: (report: GatewayReport) => Promise<void>;
    addMeasurements: (batch: MeasurementBatch) => Promise<unknown>;
    streams: OpenStreams;
  },
): void {
  app.get(GATEWAY_FEED_PATH, async (c) => {
    const { feed, since } = parseInput(feedQuerySchema, readQuery(c.req.url));
    return parts.streams.answer(c, (signal) => parts.feed.subscribe({ feed, since, signal }));
  });
  app.post(GATEWAY_REPORT_PATH, async (c) => {
    await parts.recordReport(parseInput(gatewayReportSchema, await readJson(c.req.raw, REPORT_LIMIT_BYTES)));
    return c.body(null, 204);
  });
  app.post(GATEWAY_MEASUREMENTS_PATH, async (c) => {
    await parts.addMeasurements(parseInput(measurementBatchSchema, await readJson(c.req.raw, BATCH_LIMIT_BYTES)));
    return c.body(null, 204);
  });
}
