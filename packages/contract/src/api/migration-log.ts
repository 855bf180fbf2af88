import { z } from "zod";

/** Something that was run or said while a step of an operation was under way. */
export const logLineSchema = z
  .object({
    /** Grows from line to line; not without gaps. */
    number: z.int().nonnegative(),
    at: z.iso.datetime(),
    step: z.string(),
    kind: z
      .enum(["statement", "notice", "process", "message"])
      .describe(
        "`statement`: was run on the tenant's data; `notice`: the database said; `process`: the module's process wrote; `message`: the step says",
      ),
    text: z.string(),
    ms: z.number().nonnegative().nullable().describe("How long a statement took"),
  })
  .meta({ id: "LogLine" });
export type LogLine = z.infer<typeof logLineSchema>;

export const logQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe("Only lines with a greater number"),
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
});
export const logPageSchema = z.object({ lines: z.array(logLineSchema) }).meta({ id: "MigrationLog" });
