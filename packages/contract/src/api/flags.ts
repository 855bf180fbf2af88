import { z } from "zod";
import { FLAG_KINDS, FLAG_TYPES, type FlagValue } from "@aibos/domain";
import { tenantIdSchema, versionSchema } from "./models.ts";

const time = z.iso.datetime().meta({ example: "2027-01-31T09:30:00.000Z" });
const count = z.int().nonnegative();

export const flagKeySchema = z.string().min(1).max(100).meta({ example: "new_ui_enabled" });
const segmentName = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, {
  error: "must be 1 to 63 lower-case letters, digits, dashes and underscores, beginning with a letter",
});
const userSchema = z.string().min(1).max(500).describe("A user of the tenant");
/** Any JSON: a flag's type says more. */
const valueSchema = z
  .unknown()
  .refine((value): value is FlagValue => value !== undefined && typeof value !== "function", {
    error: "must be JSON",
  });
const note = z.string().max(500).optional().describe("Why, for the history");
const author = z.string().trim().min(1).max(120).default("operator").describe("Who does it, for the history");

export const flagResultSchema = z
  .object({
    key: z.string(),
    value: valueSchema.optional(),
    variant: z.string().nullable(),
    reason: z.string().meta({ example: "TARGETING_MATCH" }),
    errorCode: z.string().nullable(),
    errorMessage: z.string().nullable(),
    /** The version whose definition was evaluated. */
    version: z.string(),
  })
  .meta({ id: "FlagResult" });
export type FlagCheck = z.infer<typeof flagResultSchema>;

export const flagExplanationSchema = z
  .object({
    result: flagResultSchema,
    steps: z.array(
      z.object({ rule: z.string(), outcome: z.enum(["decided", "passed", "failed"]), detail: z.string() }),
    ),
  })
  .meta({ id: "FlagExplanation" });
export type FlagExplained = z.infer<typeof flagExplanationSchema>;

export const flagOverrideSchema = z
  .object({
    level: z.enum(["module", "segment", "tenant", "user"]),
    segment: z.string().nullable(),
    tenant: z.string().nullable(),
    user: z.string().nullable(),
    /** The version that it is for; null: all. */
    version: z.string().nullable(),
    setting: z.record(z.string(), z.unknown()),
    updatedAt: time,
  })
  .meta({ id: "FlagOverride" });

export const featureFlagSchema = z
  .object({
    key: z.string(),
    type: z.enum(FLAG_TYPES),
    kind: z.enum(FLAG_KINDS),
    description: z.string().nullable(),
    owner: z.string().nullable(),
    default: valueSchema,
    variants: z.record(z.string(), valueSchema),
    /** Versions that declare it so, newest first. */
    versions: z.array(z.string()),
    /** Since when everybody gets its off variant; null: is not killed. */
    killedAt: time.nullable(),
    /** The tenant's own value for all its users; null: none, or no tenant was named. */
    override: z.record(z.string(), z.unknown()).nullable(),
    /** What the tenant gets; null: no tenant was named. */
    result: flagResultSchema.nullable(),
  })
  .meta({ id: "FeatureFlag" });
export type FeatureFlag = z.infer<typeof featureFlagSchema>;

export const flagConflictSchema = z
  .object({
    version: z.string(),
    flag: z.string(),
    user: z.string().nullable(),
    setting: z.record(z.string(), z.unknown()),
    reason: z.string(),
  })
  .meta({ id: "FlagConflict" });

export const featureFlagsSchema = z
  .object({
    items: z.array(featureFlagSchema),
    /** Overrides that could not come along when the tenant moved. */
    conflicts: z.array(flagConflictSchema),
  })
  .meta({ id: "FeatureFlags" });
export type FeatureFlags = z.infer<typeof featureFlagsSchema>;

export const updateFlagsSchema = z
  .record(flagKeySchema, valueSchema)
  .describe("Values by flag; null takes an override away. All are applied, or none");

export const updateFlagsQuerySchema = z.strictObject({
  user: userSchema.optional().describe("For this user of the tenant alone"),
  reason: note,
  author,
});

export const flagContextSchema = z.strictObject({
  user: userSchema.optional(),
  attributes: z.record(z.string(), z.unknown()).default({}),
  version: versionSchema.optional().describe("One of the tenant's live versions; the one with most users unless told"),
});

export const flagRuleSchema = z.strictObject({
  level: z.enum(["module", "segment", "tenant", "user"]),
  segment: segmentName.optional(),
  tenant: tenantIdSchema.optional(),
  user: userSchema.optional(),
  setting: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe("`value`, `variant`, `rollout`, `targeting`, `from`, `until`; null takes it away"),
  reason: note,
  author,
});
export type FlagRuleInput = z.input<typeof flagRuleSchema>;

export const killFlagSchema = z.strictObject({ killed: z.boolean(), reason: note, author });

export const revertFlagSchema = z.strictObject({ author });

export const flagSegmentSchema = z.strictObject({
  when: z.unknown().describe("JSONLogic that tells who is in it; null ends the segment"),
  reason: note,
  author,
});
export const segmentParamSchema = segmentName;

export const flagChangeSchema = z
  .object({
    revision: count,
    module: z.string(),
    flag: z.string().nullable(),
    /** `carry` and `give-back`: a tenant moved; `rollout`: a guarded rollout did it. */
    kind: z.enum(["setting", "kill", "segment", "tenant", "carry", "give-back", "rollout"]),
    tenant: z.string().nullable(),
    /** Who did it: as was said, or what did it by itself. */
    author: z.string(),
    /** What changed, before and after: an override with its scope, a kill, a segment. */
    before: z.unknown(),
    after: z.unknown(),
    reason: z.string().nullable(),
    createdAt: time,
  })
  .meta({ id: "FlagChange" });
export type FlagChangeRecord = z.infer<typeof flagChangeSchema>;

export const flagRevisionSchema = z.object({ revision: count }).meta({ id: "FlagRevision" });

export const staleFlagsSchema = z
  .object({
    items: z.array(
      z.object({
        flag: z.string(),
        reason: z.enum(["too-old", "never-evaluated", "fully-rolled-out", "redundant-overrides"]),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: "StaleFlags" });
export type StaleFlags = z.infer<typeof staleFlagsSchema>;

export const flagUsageSchema = z
  .object({
    items: z.array(z.object({ day: z.iso.date(), version: z.string(), variant: z.string(), evaluations: count })),
  })
  .meta({ id: "FlagUsage" });
export type FlagUsage = z.infer<typeof flagUsageSchema>;

export const flagKeyAnswerSchema = z
  .object({
    id: z.string(),
    /** Shown once: only its SHA-256 is kept. */
    key: z.string(),
    tenant: z.string(),
    module: z.string(),
  })
  .meta({ id: "FlagKey" });
export type FlagKey = z.infer<typeof flagKeyAnswerSchema>;

export const flagdDocumentSchema = z
  .object({
    document: z.record(z.string(), z.unknown()),
    /** What flagd has no words for. */
    left: z.array(z.string()),
  })
  .meta({ id: "FlagdDocument" });
export type FlagdDocument = z.infer<typeof flagdDocumentSchema>;

export const flagDefinitionsSchema = z
  .object({
    /** As the version's manifest writes them. */
    flags: z.record(z.string(), z.record(z.string(), z.unknown())),
  })
  .meta({ id: "FlagDefinitions" });
