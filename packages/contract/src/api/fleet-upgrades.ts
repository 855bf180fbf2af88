import { z } from "zod";
import { FLEET_STATUSES, isTimeZone, WEEKDAYS } from "@aibos/domain";
import { labelKeySchema, moduleIdSchema, tenantIdSchema, versionSchema } from "./models.ts";
import { requireRehearsalSchema } from "./rehearsals.ts";

/** Shapes of fleet upgrades: moving many tenants to a version, in waves and batches. */

const time = z.iso.datetime().meta({ example: "2027-01-31T09:30:00.000Z" });
const count = z.int().nonnegative();
const moment = z.iso
  .datetime({ offset: true, error: "must be a time with its offset, such as 2027-01-31T02:00:00+01:00" })
  .meta({ example: "2027-01-31T02:00:00+01:00" });

const DAY_SECONDS = 86_400;

/** `3` tenants, or `"5%"` of them. */
export const failureLimitSchema = z
  .union([count, z.string().regex(/^\d{1,3}(\.\d+)?%$/)], { error: 'must be a number, or a share such as "5%"' })
  .transform((limit) => (typeof limit === "number" ? { count: limit } : { percent: Number(limit.slice(0, -1)) }));

const excludedTenantSchema = z
  .union([
    tenantIdSchema,
    z.strictObject({
      tenant: tenantIdSchema,
      reason: z.string().trim().min(1).max(200).default("excluded"),
      until: moment.optional().describe("From then on it goes along after all"),
    }),
  ])
  .transform((one) => (typeof one === "string" ? { tenant: one, reason: "excluded", until: undefined } : one));

const waveSchema = z.strictObject({
  upTo: z
    .union([z.literal("canary"), z.number().gt(0).max(100)])
    .describe(
      "`canary`: all tenants that are labelled so; or a share of all tenants in percent, earlier waves included",
    ),
  soakSeconds: z
    .int()
    .min(0)
    .max(30 * DAY_SECONDS)
    .default(0)
    .describe("How long what was moved is watched before the next wave"),
});

export const UPGRADE_REASONS = ["security", "compliance", "eol", "feature", "other"] as const;

export const fleetUpgradeOptionsSchema = z
  .strictObject({
    batchSize: z
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe("Tenants in a batch; the next one begins when it has ended"),
    delayBetweenBatches: z
      .int()
      .min(0)
      .max(7 * DAY_SECONDS * 1_000)
      .default(0)
      .describe("Milliseconds"),
    excludeTenants: z.array(excludedTenantSchema).max(10_000).default([]),
    labels: z.record(labelKeySchema, z.string().max(120)).default({}).describe("Only tenants with all of these labels"),
    concurrency: z
      .int()
      .min(1)
      .max(64)
      .default(4)
      .describe("Tenants at once in each control-plane process: one process more, as many tenants more"),
    concurrencyPerDataStore: z.int().min(1).max(1_000).optional().describe("Tenants at once in a data store, in all"),
    canaryLabels: z
      .record(labelKeySchema, z.string().max(120))
      .default({ canary: "true" })
      .describe("Who is a canary: tenants with all of these labels. They go first"),
    waves: z
      .array(waveSchema)
      .max(20)
      .default([
        { upTo: "canary", soakSeconds: 0 },
        { upTo: 1, soakSeconds: 0 },
        { upTo: 10, soakSeconds: 0 },
        { upTo: 100, soakSeconds: 0 },
      ]),
    maxFailures: failureLimitSchema
      .prefault("10%")
      .describe('Failures that are borne in all before it halts: a number, or a share of all tenants such as "5%"'),
    maxFailuresPerWave: failureLimitSchema.optional().describe("The same for each wave, as a share of its tenants"),
    onFailure: z
      .enum(["rollback", "leave"])
      .default("rollback")
      .describe("What becomes of a tenant that fails: put back as it was, or left where it failed"),
    preserveCustomizations: z
      .boolean()
      .default(true)
      .describe("Brings tenants' customisations along; a conflict then fails its tenant. False: they are left behind"),
    observe: z
      .int()
      .min(0)
      .max(DAY_SECONDS)
      .default(0)
      .describe("So many seconds each tenant's new version is watched before its migration is done"),
    soak: z
      .int()
      .min(0)
      .max(30 * DAY_SECONDS)
      .default(0)
      .describe("So many seconds each tenant's old data stays beside the new one's, so that going back loses nothing"),
    tenantTimeoutSeconds: z
      .int()
      .min(1)
      .max(DAY_SECONDS)
      .default(900)
      .describe(
        "After this a tenant counts as failed, its batch does not wait any more, and its migration is told to put all back",
      ),
    window: z
      .enum(["tenant", "now"])
      .default("tenant")
      .describe("`tenant`: each in the maintenance window of its policy; `now`: whatever the window"),
    reason: z.enum(UPGRADE_REASONS).default("other"),
    note: z.string().trim().max(500).default("").describe("For those who are told of it"),
    deadline: moment
      .optional()
      .describe("Until then tenants may put it off and must agree where their policy says so; then they go"),
    scheduledTime: moment.optional().describe("Begins then; without it, now"),
    judgement: z
      .strictObject({
        enabled: z.boolean().default(true),
        alpha: z
          .number()
          .min(1e-6)
          .max(0.2)
          .default(0.01)
          .describe("How often an equal version may halt a fleet at most"),
        toleratedErrorRate: z.number().min(0).max(1).default(0).describe("Share of requests by which errors may rise"),
        toleratedLatency: z.number().min(0).max(10).default(0.1).describe("Share by which the 95 % quantile may rise"),
      })
      .prefault({})
      .describe("When measurements halt it: tenants that were moved, against themselves before and the others since"),
  })
  .refine(({ waves }) => waves.every(({ upTo }, at) => at === 0 || upTo !== "canary"), {
    error: "only the first wave can be the canaries",
    path: ["waves"],
  })
  .refine(({ deadline, scheduledTime }) => isBefore(scheduledTime, deadline), {
    error: "must be after scheduledTime",
    path: ["deadline"],
  })
  .meta({ id: "FleetUpgradeOptions" });
export type FleetUpgradeOptions = z.output<typeof fleetUpgradeOptionsSchema>;
/** What a caller writes: everything may be left out. */
export type FleetUpgradeOptionsInput = z.input<typeof fleetUpgradeOptionsSchema>;

export const startFleetUpgradeSchema = z.strictObject({
  module: moduleIdSchema,
  version: versionSchema,
  options: fleetUpgradeOptionsSchema.prefault({}),
});

export const fleetStatusSchema = z.enum(FLEET_STATUSES);

export const FLEET_MEMBER_STATUSES = [
  "waiting",
  "deferred",
  "claimed",
  "moving",
  "moved",
  "failed",
  "skipped",
  "cancelled",
  "returning",
  "returned",
  "kept",
] as const;
export const fleetMemberStatusSchema = z
  .enum(FLEET_MEMBER_STATUSES)
  .describe(
    "`waiting` for its batch; `deferred` to a later time; `claimed` by a process that starts it; `moving`; `moved`; " +
      "`failed`; `skipped` with a reason; `cancelled` before its turn; `returning` and `returned` to the version before; " +
      "`kept` where it is because it can't be taken back",
  );
export type FleetMemberStatus = z.infer<typeof fleetMemberStatusSchema>;

export const fleetMemberSchema = z
  .object({
    tenant: z.string(),
    fromVersion: z.string(),
    /** Null of tenants that are skipped from the beginning. Counted from 1. */
    batch: z.int().nullable(),
    status: fleetMemberStatusSchema,
    /** Of a failure or a reason to be skipped. */
    code: z.string().nullable(),
    reason: z.string().nullable(),
    notBefore: time.nullable(),
    migrationId: z.string().nullable(),
    /** What took it back. */
    returnMigrationId: z.string().nullable(),
    startedAt: time.nullable(),
    settledAt: time.nullable(),
  })
  .meta({ id: "FleetMember" });
export type FleetMember = z.infer<typeof fleetMemberSchema>;

const tallySchema = z.object({ tenants: count, moved: count, failed: count, skipped: count, open: count });

export const fleetUpgradeSchema = z
  .object({
    id: z.string(),
    module: z.string(),
    version: z.string(),
    status: fleetStatusSchema,
    /** Why it is where it is, in one sentence. */
    reason: z.string(),
    options: z.record(z.string(), z.unknown()),
    tenants: count,
    /** Tenants by their status. */
    counts: z.record(z.string(), count),
    waves: z.array(
      tallySchema.extend({ name: z.string(), firstBatch: z.int(), lastBatch: z.int(), soakSeconds: count }),
    ),
    /** The batch at work, from 1, and how many there are. */
    batch: z.int(),
    batches: count,
    /** The newest batches that have begun, newest first, at most 8. */
    recentBatches: z.array(tallySchema.extend({ batch: z.int() })),
    /** The newest failures first, at most 20. */
    failures: z.array(fleetMemberSchema),
    /** Until when it waits between batches or watches a wave. */
    pausedUntil: time.nullable(),
    /** Tenants that were settled a minute, of the last ones; null before there are some. */
    ratePerMinute: z.number().nullable(),
    remainingSeconds: z.number().nullable(),
    /** What measurements of moved tenants say. */
    measurements: z.object({ verdict: z.enum(["worse", "not-worse", "no-traffic"]), sentence: z.string() }).nullable(),
    scheduledAt: time,
    createdAt: time,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
  })
  .meta({ id: "FleetUpgrade" });
export type FleetUpgrade = z.infer<typeof fleetUpgradeSchema>;

export const fleetPlanSchema = z
  .object({
    module: z.string(),
    version: z.string(),
    /** Who would go, or not. */
    tenants: count,
    goes: count,
    later: count,
    skipped: count,
    waves: z.array(
      z.object({
        name: z.string(),
        tenants: count,
        firstBatch: z.int(),
        lastBatch: z.int(),
        /** About when it would begin, from how long such moves took; null where nothing is known. */
        startsAt: time.nullable(),
      }),
    ),
    /** In the order in which they would go, those that would not last; at most 1,000. */
    members: z.array(fleetMemberSchema),
  })
  .meta({ id: "FleetPlan" });
export type FleetPlan = z.infer<typeof fleetPlanSchema>;

export const FLEET_COMMANDS = ["resume", "rollback", "cancel"] as const;
export type FleetCommandName = (typeof FLEET_COMMANDS)[number];
export const fleetCommandSchema = z.strictObject({
  command: z
    .enum(FLEET_COMMANDS)
    .describe(
      "`resume` after a halt, which also releases the version; `rollback`: takes back all that it moved, the last one " +
        "first; `cancel`: starts nothing more, and leaves what was moved",
    ),
  acceptDataLoss: z
    .boolean()
    .default(false)
    .describe("With `rollback`: says yes to losing the writes made since tenants were moved"),
});

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: "must be a time such as 22:30" });

export const maintenanceWindowSchema = z
  .strictObject({
    from: clock,
    to: z.union([clock, z.literal("24:00")]).describe("Earlier than `from`: on the next day"),
    days: z.array(z.enum(WEEKDAYS)).max(7).default([]).describe("The days that it begins on; none: every day"),
    timeZone: z.string().refine(isTimeZone, { error: "is not a time zone such as Europe/Berlin" }).default("UTC"),
  })
  .refine(({ from, to }) => from !== to, { error: "must not be the same as `from`", path: ["to"] })
  .meta({ id: "MaintenanceWindow" });

const upgradePolicyFields = {
  automatic: z
    .enum(["none", "patch", "minor", "major"])
    .default("major")
    .describe("Changes up to this size happen without consent"),
  window: maintenanceWindowSchema.nullable().default(null).describe("When it may be moved; null: at any time"),
  deferUntil: moment.nullable().default(null).describe("Not before then, unless a fleet upgrade's deadline is earlier"),
  freezes: z
    .array(
      z
        .strictObject({ from: moment, to: moment, reason: z.string().trim().min(1).max(200) })
        .refine(({ from, to }) => isBefore(from, to), { error: "must be after `from`", path: ["to"] }),
    )
    .max(100)
    .default([])
    .describe("Times in which nothing may change, not even at a deadline"),
  requireRehearsal: requireRehearsalSchema.nullable().default(null),
};
const noticeAddress = z
  .url({ protocol: /^https?$/ })
  .describe("Gets CloudEvents by POST, signed as Standard Webhooks says");

export const upgradePolicySchema = z
  .strictObject({
    ...upgradePolicyFields,
    notices: z
      .strictObject({
        url: noticeAddress,
        secret: z
          .string()
          .regex(/^whsec_[A-Za-z0-9+/]{32,128}={0,2}$/, { error: "must be whsec_ and base64 of 24 bytes or more" })
          .describe("Signs notices. It is never shown again"),
      })
      .nullable()
      .default(null),
  })
  .meta({ id: "UpgradePolicyInput" });
export type UpgradePolicyInput = z.input<typeof upgradePolicySchema>;
export type StoredUpgradePolicy = z.output<typeof upgradePolicySchema>;

export const shownUpgradePolicySchema = z
  .strictObject({
    ...upgradePolicyFields,
    notices: z.strictObject({ url: noticeAddress }).nullable(),
    /** Versions that the tenant agreed to. */
    consents: z.array(z.string()),
  })
  .meta({ id: "UpgradePolicy" });
export type ShownUpgradePolicy = z.output<typeof shownUpgradePolicySchema>;

export const quarantinedVersionSchema = z
  .object({ module: z.string(), version: z.string(), reason: z.string(), fleetUpgradeId: z.string(), since: time })
  .meta({ id: "QuarantinedVersion" });
export type QuarantinedVersion = z.infer<typeof quarantinedVersionSchema>;

function isBefore(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || Date.parse(a) < Date.parse(b);
}
