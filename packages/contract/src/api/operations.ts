import { z } from "zod";
import { versionSchema } from "./models.ts";
import { requireRehearsalSchema } from "./rehearsals.ts";

export const acceptDataLossSchema = z
  .boolean()
  .default(false)
  .describe("Says yes to losing the writes made since the rollback point was taken");

const scheduledTime = z.iso
  .datetime({ offset: true, error: "must be a time with its offset, such as 2027-01-31T02:00:00+01:00" })
  .optional()
  .describe("Starts then; without it, now. ISO 8601 with an offset or Z");

const overrideFreeze = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .optional()
  .describe("Goes on in spite of a freeze, for this reason, which is kept with the operation");

/**
 * What can be started for one tenant and module, by kind. Every operation runs as a durable workflow with the same
 * ledger; the answer is the migration that records it.
 */
export const operationSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("install"), version: versionSchema, overrideFreeze }),
    z.strictObject({
      kind: z.literal("migrate"),
      version: versionSchema,
      scheduledTime,
      preserveCustomizations: z
        .boolean()
        .default(true)
        .describe(
          "Carries the tenant's customisations along, and refuses to move it while one of them conflicts; otherwise the tenant starts with the new version's defaults",
        ),
      rollbackOnFailure: z
        .boolean()
        .default(true)
        .describe(
          "Puts everything back when a step fails; otherwise it stops there until it is resumed or cancelled, or, where requests are held, keeps the furthest version reached",
        ),
      observe: z
        .int()
        .min(0)
        .max(86_400)
        .default(0)
        .describe(
          "So many seconds health and measurements of the new version are watched before the migration is done",
        ),
      soak: z
        .int()
        .min(0)
        .max(2_592_000)
        .default(0)
        .describe(
          "So many seconds the old version's data stays beside the new one's, so that going back loses nothing; completed by itself after that",
        ),
      rollbackVersion: versionSchema
        .optional()
        .describe("After an undone failure, goes back further, to the newest rollback point of this version"),
      acceptDataLoss: z
        .boolean()
        .default(false)
        .describe("Says yes to losing, with rollbackVersion, the writes made since that rollback point was taken"),
      requireRehearsal: requireRehearsalSchema.optional(),
      overrideFreeze,
    }),
    z.strictObject({
      kind: z.literal("rehearse"),
      version: versionSchema.describe("Where a migration of a copy of the tenant's data leads to"),
    }),
    z.strictObject({ kind: z.literal("side-by-side"), version: versionSchema, overrideFreeze }),
    z.strictObject({ kind: z.literal("complete"), version: versionSchema, scheduledTime, overrideFreeze }),
    z.strictObject({
      kind: z.literal("rollback"),
      version: versionSchema
        .optional()
        .describe("Where to go back to; without it, to where the newest change came from"),
      acceptDataLoss: acceptDataLossSchema,
    }),
    z.strictObject({
      kind: z.literal("rollback-point"),
      version: versionSchema.describe("A version that is live for the tenant"),
      reason: z.string().trim().min(1).max(200),
    }),
    z.strictObject({
      kind: z.literal("backup"),
      reason: z.string().trim().min(1).max(200).default("asked for"),
    }),
  ])
  .meta({ id: "Operation" });
export type Operation = z.output<typeof operationSchema>;
/** What a caller writes: fields with defaults may be left out, identifiers are plain text. */
export type OperationInput = z.input<typeof operationSchema>;

export const restoreSchema = z.strictObject({ acceptDataLoss: acceptDataLossSchema });

/** How `updateVersionRouting` shares traffic between two live versions. */
export const versionRoutingSchema = z
  .strictObject({
    oldVersion: versionSchema,
    newVersion: versionSchema,
    routing: z
      .enum(["gradual", "immediate", "percentage"])
      .describe(
        "`immediate`: all to the new one; `percentage`: as `trafficSplit` says; `gradual`: starts a rollout by the policy, or lets one that runs take its next step",
      ),
    trafficSplit: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe("Percent of users for the new version; needed by `percentage`"),
  })
  .refine((routing) => routing.routing !== "percentage" || routing.trafficSplit !== undefined, {
    error: 'routing "percentage" needs trafficSplit, the new version\'s share in percent',
    path: ["trafficSplit"],
  })
  .refine((routing) => routing.oldVersion !== routing.newVersion, {
    error: "oldVersion and newVersion must be two versions",
    path: ["newVersion"],
  })
  .meta({ id: "VersionRouting" });
export type VersionRoutingInput = z.input<typeof versionRoutingSchema>;
