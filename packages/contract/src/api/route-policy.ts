import { z } from "zod";
import { versionSchema } from "./models.ts";

/** Where requests go besides by weight: match rules, segments, mirroring, and users who keep a version for a while. */

const MOST_USERS = 1_000;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const text = z
  .string()
  .max(1_000)
  .regex(/^[\t\x20-\x7e\u0080-\uffff]*$/, { error: "must be one line without control characters" });
const headerName = z
  .string()
  .regex(TOKEN, { error: "must be the name of a header, such as x-canary" })
  .transform((name) => name.toLowerCase())
  .refine((name) => !/^x[-_]aibos[-_]/.test(name), {
    error: "x-aibos-* are the platform's own and never from outside",
  });
const segmentName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, {
  error: "a segment is named by 1 to 63 lower-case letters, digits and dashes, beginning with a letter",
});

const plainConditions = [
  z.strictObject({ kind: z.literal("header"), name: headerName, value: text.optional() }),
  z.strictObject({
    kind: z.literal("cookie"),
    name: z.string().regex(TOKEN, { error: "must be the name of a cookie" }),
    value: text.optional(),
  }),
  z.strictObject({
    kind: z.literal("path"),
    prefix: z.string().regex(/^\/[\x21\x22\x24-\x3e\x40-\x7e]{0,500}$/, {
      error: 'must be a path as it is sent, such as "/reports", without query and fragment',
    }),
  }),
  z.strictObject({ kind: z.literal("users"), users: z.array(text.min(1).max(200)).min(1).max(MOST_USERS) }),
  z.strictObject({
    kind: z.literal("percent"),
    percent: z
      .number()
      .min(0)
      .max(100)
      .refine((percent) => Math.abs(Math.round(percent * 100) - percent * 100) < 1e-6, {
        error: "the finest share is 0.01 percent",
      })
      .describe("Percent of the tenant's users, those whom a rising weight reaches first"),
  }),
] as const;

export const plainConditionSchema = z.discriminatedUnion("kind", [...plainConditions]).meta({ id: "SegmentCondition" });
export const ruleConditionSchema = z
  .discriminatedUnion("kind", [
    ...plainConditions,
    z.strictObject({ kind: z.literal("segment"), segment: segmentName }),
  ])
  .meta({ id: "RuleCondition" });

export const matchRuleSchema = z
  .strictObject({
    when: z.array(ruleConditionSchema).min(1).max(20).describe("All of these must be met"),
    version: versionSchema,
  })
  .meta({ id: "MatchRule" });

export const segmentsSchema = z
  .record(segmentName, z.array(plainConditionSchema).min(1).max(20).describe("Any of these must be met"))
  .refine((segments) => Object.keys(segments).length <= 50, { error: "at most 50 segments" });

/** What `setRules` takes: the rules in the order in which they are asked, and the segments that they name. */
export const rulesSchema = z
  .strictObject({ rules: z.array(matchRuleSchema).max(100), segments: segmentsSchema.default({}) })
  .superRefine(({ rules, segments }, ctx) => {
    for (const [index, { when }] of rules.entries()) {
      for (const [position, condition] of when.entries()) {
        if (condition.kind !== "segment" || Object.hasOwn(segments, condition.segment)) continue;
        const known = Object.keys(segments).join(", ") || "none";
        ctx.addIssue({
          code: "custom",
          path: ["rules", index, "when", position, "segment"],
          message: `there is no segment "${condition.segment}"; defined here: ${known}`,
        });
      }
    }
  })
  .meta({ id: "Rules" });
export type RulesInput = z.input<typeof rulesSchema>;

export const mirrorSchema = z
  .strictObject({
    version: versionSchema.describe("A live version that gets copies of requests; its answers are thrown away"),
    percent: z.number().gt(0).max(100).describe("Percent of the safe requests that are copied"),
  })
  .meta({ id: "Mirror" });
export type MirrorInput = z.input<typeof mirrorSchema>;

export const stickinessSchema = z
  .enum(["break", "drain", "keep"])
  .describe(
    "What becomes of users who were on a version that loses them: `break`: they move at once; `drain`: they stay for " +
      "`drainSeconds`; `keep`: they stay until the version is retired or the split is changed again",
  );
export const stickinessOptionsSchema = z.strictObject({
  stickiness: stickinessSchema.default("break"),
  drainSeconds: z.coerce.number().int().min(1).max(604_800).default(300).describe("For `drain`"),
});
export type StickinessOptions = z.input<typeof stickinessOptionsSchema>;

const traffic = z.record(z.string(), z.number());

export const routePolicySchema = z
  .object({
    tenant: z.string(),
    module: z.string(),
    rules: z.array(z.object({ when: z.array(ruleConditionSchema), version: z.string() })),
    segments: z.record(z.string(), z.array(plainConditionSchema)),
    mirror: z.object({ version: z.string(), percent: z.number() }).nullable(),
    /** Users who were there before the newest change keep the versions of this split, in percent. */
    leaving: z.object({ traffic, since: z.iso.datetime(), until: z.iso.datetime().nullable() }).nullable(),
    revision: z.int().nonnegative(),
    /** True once every live gateway applied it. */
    acknowledged: z.boolean(),
  })
  .meta({ id: "RoutePolicy" });
export type RoutePolicy = z.infer<typeof routePolicySchema>;

const count = z.int().nonnegative();

export const mirrorReportSchema = z
  .object({
    tenant: z.string(),
    module: z.string(),
    mirror: z.object({ version: z.string(), percent: z.number(), since: z.iso.datetime() }).nullable(),
    /** Requests that both versions answered. */
    compared: count,
    /** How many of them got another status, and how many a body of another length. */
    statusDiffers: count,
    sizeDiffers: count,
    /** Copies that the mirror's version did not answer. */
    failed: count,
    /** Copies that were not sent, because as many as are allowed were under way. */
    skipped: count,
    /** Mean time to the end of the answer of the compared requests, in milliseconds; null without any. */
    meanMs: z.number().nullable(),
    mirrorMeanMs: z.number().nullable(),
  })
  .meta({ id: "MirrorReport" });
export type MirrorReport = z.infer<typeof mirrorReportSchema>;

export const testerTokenSchema = z
  .object({
    tenant: z.string(),
    module: z.string(),
    version: z.string(),
    token: z.string(),
    /** Where the gateway looks for it. */
    header: z.string(),
    cookie: z.string(),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: "TesterToken" });
export type TesterToken = z.infer<typeof testerTokenSchema>;
