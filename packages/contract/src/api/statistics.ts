import { z } from "zod";
import { moduleIdSchema } from "./models.ts";
import { route } from "./route.ts";

const count = z.int().nonnegative();
/** Between 0 and 1; null where there was nothing to count. */
const rate = z.number().min(0).max(1).nullable();
const ms = z.number().nonnegative().nullable();

/** Of migrations that succeeded, in milliseconds; null where none did. Quantiles are within 1 %. */
const timesSchema = z.object({ averageMs: ms, p50Ms: ms, p95Ms: ms, p99Ms: ms });

export const migrationStatisticsSchema = z
  .object({
    module: z.string(),
    /** Migrations, whatever became of them. */
    total: count,
    byStatus: z.record(z.string(), count),
    successRate: rate.describe("Succeeded of those that ended; cancelled ones are left out"),
    times: timesSchema,
    rollbacks: z.object({
      byItself: count.describe("Migrations that failed and put everything back"),
      byHand: count.describe("Rollbacks and restores that somebody asked for"),
      rate: rate.describe("Both, of the migrations that ended; at most 1"),
      causes: z
        .array(z.object({ code: z.string(), step: z.string(), count }))
        .describe("Most frequent first, at most 20"),
    }),
    hops: z
      .array(
        z.object({
          fromVersion: z.string(),
          toVersion: z.string(),
          total: count,
          successRate: rate,
          times: timesSchema,
        }),
      )
      .describe("Most frequent first, at most 100"),
  })
  .meta({ id: "MigrationStatistics" });
export type MigrationStatistics = z.infer<typeof migrationStatisticsSchema>;

export const versionUsageStatsSchema = z
  .object({
    module: z.string(),
    versions: z.array(
      z.object({
        version: z.string(),
        tenants: count.describe("For which it is live now, with or without traffic"),
        deprecatedOn: z.string().nullable(),
        endOfLife: z.string().nullable(),
        standing: z.enum(["supported", "deprecated", "end-of-life"]),
      }),
    ),
    exposure: z.object({
      deprecated: count.describe("Tenants with a version that is deprecated, end of life not counted"),
      endOfLife: count,
    }),
    history: z
      .array(z.object({ day: z.string(), tenants: z.record(z.string(), count) }))
      .describe("Tenants by version at the end of each day (UTC), oldest first; a version that nobody had is left out"),
  })
  .meta({ id: "VersionUsageStats" });
export type VersionUsageStats = z.infer<typeof versionUsageStatsSchema>;

const module = z.strictObject({ module: moduleIdSchema });

/** What came of operations, and who uses what, counted. */
export const STATISTICS_ROUTES = {
  getMigrationStatistics: route(
    "get /v1/modules/{module}/migration-statistics",
    "Modules",
    "What came of a module's migrations, how long they took, and why they were rolled back",
    {
      params: module,
      query: z.strictObject({
        days: z.coerce
          .number()
          .int()
          .min(1)
          .max(400)
          .optional()
          .describe("Only those that ended on the last so many days (UTC, today included), and those under way"),
      }),
      answer: migrationStatisticsSchema,
    },
  ),
  getVersionUsageStats: route(
    "get /v1/modules/{module}/version-usage",
    "Modules",
    "How many tenants have which version, now and over time, and how many of those versions are looked after no more",
    {
      params: module,
      query: z.strictObject({ days: z.coerce.number().int().min(1).max(400).default(30) }),
      answer: versionUsageStatsSchema,
    },
  ),
};
