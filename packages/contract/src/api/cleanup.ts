import { z } from "zod";
import { route } from "./route.ts";

export const LEFTOVER_KINDS = ["version-views", "rollback-copy", "artifact"] as const;

export const leftoverSchema = z
  .object({
    kind: z
      .enum(LEFTOVER_KINDS)
      .describe(
        "`version-views`: views of a version of a tenant's data that is not live any more; `rollback-copy`: the copy of a rollback point that is used up or was dropped; `artifact`: the archive of a release past its end of life that nobody can need",
      ),
    /** Of the schema, or `module@version`. */
    name: z.string(),
    tenant: z.string().nullable(),
    module: z.string(),
    bytes: z.int().nonnegative(),
    why: z.string().describe("Why nobody needs it"),
    outcome: z.enum(["found", "removed", "kept"]).describe("`found`: would be removed, in a dry run"),
    /** Why it could not be removed this time; null unless it was kept. */
    keptBecause: z.string().nullable(),
  })
  .meta({ id: "Leftover" });
export type Leftover = z.infer<typeof leftoverSchema>;

export const cleanupReportSchema = z
  .object({
    dryRun: z.boolean(),
    leftovers: z.array(leftoverSchema).describe("At most 1,000 at a time: clean up again for more"),
    /** Of those that were removed, or in a dry run would be. */
    bytes: z.int().nonnegative(),
    /** Whether there were more than are shown. */
    more: z.boolean(),
  })
  .meta({ id: "CleanupReport" });
export type CleanupReport = z.infer<typeof cleanupReportSchema>;

/** Removing what nobody needs. */
export const CLEANUP_ROUTES = {
  cleanup: route(
    "post /v1/cleanup",
    "Platform",
    "Lists what nobody needs any more, and why, and removes it unless it is a dry run; repeating it is safe",
    { body: z.strictObject({ dryRun: z.boolean().default(false) }), answer: cleanupReportSchema },
  ),
};
