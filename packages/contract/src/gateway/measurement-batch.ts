import { z } from "zod";
import { LAST_LATENCY_BUCKET, REQUEST_ERRORS } from "@aibos/domain";
import { moduleIdSchema, tenantIdSchema, versionSchema } from "../api/models.ts";
import { gatewayReportSchema } from "./route-feed.ts";

/**
 * What gateways measure. Rows only ever add up: any number of them may be of the same window, and all of them together
 * are what was measured in it. Where they come from does not matter to their sum.
 */

/** Measurements are of windows of so many seconds, which begin at whole multiples of it since the epoch. */
export const MEASUREMENT_WINDOW_SECONDS = 10;

const count = z.int().nonnegative();

/** What came of one version's requests in a window. */
export const measurementRowSchema = z.strictObject({
  /** When the window begins, in seconds since the epoch. */
  at: z.int().positive().multipleOf(MEASUREMENT_WINDOW_SECONDS),
  /** Null: of all tenants together. */
  tenant: tenantIdSchema.nullable(),
  module: moduleIdSchema,
  version: versionSchema,
  /** Of requests that met this flag's guarded rollout; they are counted without it, too. */
  met: z.strictObject({ flag: z.string().min(1).max(100), isIn: z.boolean() }).optional(),
  /** Requests that ended in the window. */
  requests: count,
  errors: z.partialRecord(z.enum(REQUEST_ERRORS), z.int().positive()),
  /** How long requests took, as a sketch: counts by bucket, two lists of one length. */
  latency: z
    .strictObject({
      buckets: z.array(z.int().min(0).max(LAST_LATENCY_BUCKET)),
      counts: z.array(z.int().positive()),
      /** Milliseconds of all of them together. */
      sum: z.number().nonnegative(),
    })
    .refine(({ buckets, counts }) => buckets.length === counts.length, { error: "has lists of two lengths" }),
  bytesReceived: count,
  bytesSent: count,
  /** The most requests and connections that were under way at once. */
  inFlight: count,
});
export type MeasurementRow = z.infer<typeof measurementRowSchema>;

/** A batch has at most so many rows. */
export const MEASUREMENT_BATCH_ROWS = 1_000;

/**
 * Rows that are applied together, and once however often they are sent: `source` names one run of a gateway process,
 * which numbers its batches.
 */
export const measurementBatchSchema = z.strictObject({
  gatewayId: gatewayReportSchema.shape.gatewayId,
  source: z.uuid(),
  number: z.int().positive().max(2_147_483_647),
  rows: z.array(measurementRowSchema).min(1).max(MEASUREMENT_BATCH_ROWS),
});
export type MeasurementBatch = z.infer<typeof measurementBatchSchema>;

/** Where batches go: `POST /v1/gateway/measurements` with a {@link MeasurementBatch}, gzipped; answers 204. */
export const GATEWAY_MEASUREMENTS_PATH = "/v1/gateway/measurements";
/** A batch is remembered for so long, in days, so that it is not applied twice. Older ones are not sent any more. */
export const MEASUREMENT_BATCH_DAYS = 7;
