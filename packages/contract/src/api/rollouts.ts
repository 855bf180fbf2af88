import { z } from "zod";
import { EJECTION_REASONS } from "../gateway/route-feed.ts";
import { rolloutPolicySchema, type RolloutPolicy } from "../manifest/rollout-policy.ts";
import { moduleIdSchema, tenantIdSchema, versionSchema } from "./models.ts";

/** Shapes of rollouts: moving users of one or more tenants to a version, step by step, on evidence. */

const time = z.iso.datetime().meta({ example: "2027-01-31T09:30:00.000Z" });
const count = z.int().nonnegative();

export const verdictSchema = z.enum(["pass", "fail", "inconclusive", "no-traffic"]);

/** A number that may be infinite, which JSON can't write: null then. */
const bound = z.number().nullable();

export const analysisVerdictSchema = z
  .object({
    name: z.string(),
    level: z.enum(["critical", "warn", "dry-run"]),
    verdict: verdictSchema,
    /** `number`: one of the versions as a whole for each window, such as processor time. */
    measure: z.enum(["error-rate", "latency", "number"]),
    /** Of the numbers below: `share` of requests, `ms`, or the policy's for a number of somebody's. */
    unit: z.string(),
    /** What was compared, of this step. */
    old: z.number().nullable(),
    new: z.number().nullable(),
    /** By how much the new version's number is higher, with the confidence 1 − alpha. Null: without end. */
    difference: z.object({ low: bound, high: bound }).nullable(),
    samples: z.object({ old: count, new: count }),
    /** Odds that it is worse than is tolerated, and the odds that are needed to fail, as natural logarithms. */
    evidence: z.number(),
    needed: z.number(),
    /** Mann and Whitney's test of the step's windows, with Hodges and Lehmann's interval and Cliff's delta; from four windows on. */
    report: z
      .object({
        pValue: z.number(),
        shift: z.number(),
        low: z.number(),
        high: z.number(),
        effect: z.number(),
        method: z.enum(["exact", "normal"]),
      })
      .nullable(),
    sentence: z.string(),
  })
  .meta({ id: "AnalysisVerdict" });

export const rolloutVerdictSchema = z
  .object({
    at: time,
    /** From 1. */
    step: z.int(),
    verdict: verdictSchema,
    sentence: z.string(),
    evidence: z.number(),
    needed: z.number(),
    analyses: z.array(analysisVerdictSchema),
  })
  .meta({ id: "RolloutVerdict" });
export type RolloutVerdict = z.infer<typeof rolloutVerdictSchema>;

export const ROLLOUT_STATUSES = ["running", "paused", "promoted", "rolled-back", "aborted"] as const;
export const rolloutStatusSchema = z.enum(ROLLOUT_STATUSES);
export type RolloutStatus = z.infer<typeof rolloutStatusSchema>;

export const rolloutSchema = z
  .object({
    id: z.string(),
    module: z.string(),
    /** Null of a flag's rollout, as the next one. */
    oldVersion: z.string().nullable(),
    newVersion: z.string().nullable(),
    /** Null of a version's rollout. In verdicts, `old` is of users without the variant, `new` of those with it. */
    flag: z
      .object({
        key: z.string(),
        variant: z.string(),
        by: z.union([z.literal("user"), z.object({ attribute: z.string() })]),
        /** Null: everybody. */
        segment: z.string().nullable(),
      })
      .nullable(),
    status: rolloutStatusSchema,
    /** Why it is where it is, in one sentence. */
    reason: z.string(),
    /** The step that runs or is waited for, from 1; one more than there are: the promotion. */
    step: z.int(),
    phase: z.enum(["gate", "watch", "ended"]),
    /** Share of users on the new version, or with the flag's variant, in percent. */
    weight: z.number(),
    steps: z.array(z.object({ weight: z.number(), holdSeconds: z.number(), minimumSamples: z.int() })),
    tenants: z.array(
      z.object({
        tenant: z.string(),
        /** `returned`: all of its users are on the old version again; `returning`: they will be when it is idle. */
        status: z.enum(["running", "promoted", "returned", "returning"]),
        reason: z.string().nullable(),
      }),
    ),
    /** Processes of both versions that gateways send no requests now; empty in lists, and when it has ended. */
    ejected: z.array(
      z.object({
        version: z.string(),
        url: z.string(),
        reason: z.enum(EJECTION_REASONS),
        since: time,
        /** How many gateways leave it out, of how many that are live. */
        gateways: z.int(),
        liveGateways: z.int(),
      }),
    ),
    /** What was said of it, newest first, at most 100. */
    verdicts: z.array(rolloutVerdictSchema),
    createdAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: "Rollout" });
export type Rollout = z.infer<typeof rolloutSchema>;

/** Some fields of a policy, which replace those of the policy below: the rollout's, the tenant's, the release's. */
export const rolloutOverridesSchema = z
  .record(z.string(), z.unknown())
  .transform((given, ctx): Partial<RolloutPolicy> => {
    const parsed = rolloutPolicySchema.safeParse(given);
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues) ctx.addIssue({ code: "custom", path: [...path], message });
      return z.NEVER;
    }
    return Object.fromEntries(Object.entries(parsed.data).filter(([name]) => Object.hasOwn(given, name)));
  })
  .describe("Fields as in the manifest's `rollout`, which replace those of the policy below");

export const startRolloutSchema = z
  .strictObject({
    module: moduleIdSchema,
    tenants: z.array(tenantIdSchema).min(1).max(100).describe("Who goes along; both versions must be live for each"),
    oldVersion: versionSchema
      .optional()
      .describe("Where users go back to; without it, the other one of two live versions"),
    newVersion: versionSchema,
    policy: rolloutOverridesSchema.default({}),
    insist: z.boolean().default(false).describe("Starts although the version was rolled back a short time ago"),
  })
  .refine(({ tenants }) => new Set(tenants).size === tenants.length, {
    error: "names a tenant twice",
    path: ["tenants"],
  })
  .meta({ id: "StartRollout" });
export type StartRolloutInput = z.input<typeof startRolloutSchema>;

export const startFlagRolloutSchema = z
  .strictObject({
    variant: z.string().min(1).max(100).optional().describe("What users get; of a boolean `on` unless told"),
    by: z
      .union([z.literal("user"), z.strictObject({ attribute: z.string().min(1).max(100) })])
      .default("user")
      .describe("Whom the dice are thrown for"),
    segment: z.string().min(1).max(63).optional().describe("For a segment alone; otherwise for everybody"),
    policy: rolloutOverridesSchema.default({}),
    insist: z.boolean().default(false).describe("Starts although the flag was rolled back a short time ago"),
  })
  .meta({ id: "StartFlagRollout" });
export type StartFlagRolloutInput = z.input<typeof startFlagRolloutSchema>;

export const ROLLOUT_COMMANDS = ["pause", "resume", "approve", "step", "promote", "abort"] as const;
export const rolloutCommandSchema = z.strictObject({
  command: z
    .enum(ROLLOUT_COMMANDS)
    .describe(
      "`pause` and `resume` its clock; `approve` the step that is waited for; `step`: go to the next one now; `promote`: " +
        "everything to the new version now; `abort`: everything back",
    ),
});
export type RolloutCommandName = (typeof ROLLOUT_COMMANDS)[number];
