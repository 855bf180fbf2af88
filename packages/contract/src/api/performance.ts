import { z } from "zod";
import { REQUEST_ERRORS } from "@aibos/domain";

/** Shapes of what was measured. Times are milliseconds, sizes bytes, rates shares of 1. */

const time = z.iso.datetime().meta({ example: "2027-01-31T09:30:00.000Z" });
const count = z.int().nonnegative();
const milliseconds = z.number().nonnegative().nullable();

/** How far back to look, in seconds. */
export const windowSecondsSchema = z.coerce
  .number()
  .int()
  .min(10)
  .max(400 * 86_400)
  .describe("How far back to look, in seconds");

const errorCounts = Object.fromEntries(REQUEST_ERRORS.map((name) => [name, count])) as Record<
  (typeof REQUEST_ERRORS)[number],
  typeof count
>;

export const versionPerformanceSchema = z
  .object({
    /** Null: all tenants together. */
    tenant: z.string().nullable(),
    module: z.string(),
    version: z.string(),
    window: z.object({
      from: time,
      to: time,
      seconds: z.number(),
      /** How long the time of the rows is that this was read from: `from` is a multiple of it. */
      resolution: z.enum(["10s", "1m", "1h"]),
    }),
    /** Requests that ended in the window. */
    requests: count,
    requestsPerSecond: z.number(),
    errors: z.object(errorCounts),
    /** Share of the requests that failed through the version: server, unreachable, timeout, broken. Null of none. */
    errorRate: z.number().nullable(),
    /** To the headers of the answer, in milliseconds; quantiles are within 1 %. Null without samples. */
    responseTime: z.object({
      samples: count,
      mean: milliseconds,
      p50: milliseconds,
      p90: milliseconds,
      p95: milliseconds,
      p99: milliseconds,
    }),
    /** The most requests and connections that were under way at once. */
    inFlight: count,
    bytes: z.object({ received: count, sent: count }),
    /** Cores that the version's processes kept busy, for all tenants: 0.25 is a quarter of one. Null: not known. */
    cpuUsage: z.number().nullable(),
    /** The most memory that they had together. Null: not known. */
    memoryBytes: count.nullable(),
  })
  .meta({ id: "VersionPerformance" });
export type VersionPerformance = z.infer<typeof versionPerformanceSchema>;

/** What was measured of every live version at a moment. */
export const performanceReportSchema = z
  .object({
    at: time,
    tenant: z.string(),
    module: z.string(),
    /** Oldest version first. */
    versions: z.array(versionPerformanceSchema),
  })
  .meta({ id: "PerformanceReport" });
export type PerformanceReport = z.infer<typeof performanceReportSchema>;

/** What of two versions is compared: the share of failed requests, and quantiles of response times. */
export const COMPARED = ["errorRate", "p50", "p90", "p95", "p99"] as const;

export const versionComparisonSchema = z
  .object({
    /** Null: all tenants together. */
    tenant: z.string().nullable(),
    module: z.string(),
    a: versionPerformanceSchema,
    b: versionPerformanceSchema,
    /** How sure each interval is by itself: this share of such intervals holds the true difference, at all times. */
    confidence: z.number(),
    differences: z.array(
      z.object({
        measure: z.enum(COMPARED),
        a: z.number().nullable(),
        b: z.number().nullable(),
        /** How much higher it is of `b`: a share of 1 for the rate, milliseconds for quantiles. Null without samples. */
        difference: z.number().nullable(),
        /** The interval that the true difference is in. Null where nothing bounds it, as with too few samples. */
        low: z.number().nullable(),
        high: z.number().nullable(),
        /** What the interval says of `b`: above zero, below zero, or either. */
        meaning: z.enum(["higher", "lower", "unclear"]),
      }),
    ),
  })
  .meta({ id: "VersionComparison" });
export type VersionComparison = z.infer<typeof versionComparisonSchema>;
