import { z } from "zod";

const count = z.int().nonnegative();
const ms = z.number().nonnegative();

/** What came of rehearsing a migration on a copy of the tenant's data. Durations are in milliseconds. */
export const rehearsalReportSchema = z
  .object({
    passed: z.boolean().describe("Nothing failed, every check held, and no customisation conflicts"),
    fromVersion: z.string(),
    toVersion: z.string(),
    path: z.array(z.string()),
    digests: z.record(z.string(), z.string()).describe("SHA-256 of the releases on the way: what was rehearsed"),
    rows: count.describe("That were copied"),
    bytes: count.describe("Of the copy, on disk, indexes included"),
    durationMs: ms.describe("Of all that a migration would do to the data, without copying and comparing"),
    phases: z.array(z.object({ step: z.string(), title: z.string(), ms })),
    locks: z
      .array(
        z.object({
          table: z.string(),
          mode: z.string().describe("As pg_locks calls it"),
          blocks: z.enum(["writes", "reads and writes"]),
          heldMs: ms.describe("The longest time that it was held"),
        }),
      )
      .describe("On tables that are there now, longest first; users of live releases wait for these"),
    conflicts: z.array(
      z.object({
        kind: z.enum(["customisation", "custom-field", "flag"]),
        name: z.string(),
        message: z.string(),
      }),
    ),
    differences: z.object({
      tables: z
        .array(
          z.object({
            table: z.string(),
            rowsBefore: count.nullable().describe("Null: it is new"),
            rowsAfter: count.nullable().describe("Null: it is gone"),
          }),
        )
        .describe("Those whose rows, or their content, are others"),
      structure: z.array(z.string()).describe("The first 100 lines on what differs in the structure"),
      structureLines: count,
    }),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
    failure: z.object({ step: z.string(), code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: "RehearsalReport" });
export type RehearsalReport = z.infer<typeof rehearsalReportSchema>;

/** For `migrateTenant` and policies: how old a passed rehearsal may be, in seconds. */
export const requireRehearsalSchema = z
  .int()
  .min(60)
  .max(31_536_000)
  .describe("Only after a passed rehearsal of the same releases for this tenant, at most so many seconds ago");
