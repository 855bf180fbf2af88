import { z } from "zod";
import { acceptDataLossSchema } from "./operations.ts";
import { migrationSchema, moduleIdSchema, pageOf, tenantIdSchema } from "./models.ts";
import { page } from "./page-query.ts";
import { module, tenantModule } from "./route-parts.ts";
import { route } from "./route.ts";

const time = z.iso.datetime();
const count = z.int().nonnegative();

/** A tenant's module in a file outside the database. Sizes are in bytes. */
export const backupSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    module: z.string(),
    /** The version that served; a restore goes back to it. */
    version: z.string(),
    reason: z.string(),
    state: z.enum(["available", "deleting", "deleted"]),
    /** In the folder for backups of the control plane that wrote it. */
    file: z.string(),
    tables: count,
    rows: count,
    /** Of the file. */
    bytes: count,
    /** Of the file. */
    sha256: z.string(),
    /** Digests of structure and data, for comparison after a restore. */
    fingerprint: z.object({ structure: z.string(), data: z.string() }),
    /** The moment that it is of. */
    createdAt: time,
  })
  .meta({ id: "Backup" });
export type Backup = z.infer<typeof backupSchema>;

export const backupVerificationSchema = z
  .object({
    id: z.string(),
    isSound: z.boolean(),
    /** What is wrong, and what to do about it; null when nothing is. */
    problem: z.string().nullable(),
    tables: count,
    rows: count,
    bytes: count,
  })
  .meta({ id: "BackupVerification" });
export type BackupVerification = z.infer<typeof backupVerificationSchema>;

const keep = z
  .strictObject({
    keepLast: z.int().min(0).max(10_000).nullable().describe("The newest so many are kept"),
    keepDays: z.int().min(0).max(36_500).nullable().describe("Those that are younger than so many days are kept"),
  })
  .describe("What either keeps is kept; with neither, everything is");

/** How many copies of a tenant's data are kept, and for how long. */
export const retentionPolicySchema = z
  .strictObject({
    rollbackPoints: keep.default({ keepLast: 5, keepDays: null }),
    backups: keep.default({ keepLast: 10, keepDays: 30 }),
  })
  .meta({ id: "RetentionPolicy" });
export type RetentionPolicy = z.output<typeof retentionPolicySchema>;
export type RetentionPolicyInput = z.input<typeof retentionPolicySchema>;

export const shownRetentionPolicySchema = z
  .object({
    policy: retentionPolicySchema,
    source: z.enum(["tenant", "module", "default"]).describe("Where it comes from"),
  })
  .meta({ id: "ShownRetentionPolicy" });
export type ShownRetentionPolicy = z.infer<typeof shownRetentionPolicySchema>;

export const retentionResultSchema = z
  .object({
    dryRun: z.boolean(),
    /** What went, or would go. */
    dropped: z.array(
      z.object({
        kind: z.enum(["rollback-point", "backup"]),
        id: z.string(),
        version: z.string(),
        bytes: count,
        createdAt: time,
      }),
    ),
    /** What the policy would drop and an operation needs that has not ended. */
    needed: z.array(z.string()),
  })
  .meta({ id: "RetentionResult" });
export type RetentionResult = z.infer<typeof retentionResultSchema>;

const backup = z.strictObject({ backupId: z.string().max(60).meta({ example: "bk_8f3c2a1b9d04" }) });

export const BACKUP_ROUTES = {
  listBackups: route("get /v1/backups", "Backups", "Backups that were not deleted, newest first", {
    query: page.extend({ tenant: tenantIdSchema.optional(), module: moduleIdSchema.optional() }),
    answer: pageOf(backupSchema),
  }),
  getBackup: route("get /v1/backups/{backupId}", "Backups", "One backup", { params: backup, answer: backupSchema }),
  verifyBackup: route(
    "post /v1/backups/{backupId}/verification",
    "Backups",
    "Reads a whole backup and checks every byte of it. Changes nothing",
    { params: backup, answer: backupVerificationSchema },
  ),
  restoreBackup: route(
    "post /v1/backups/{backupId}/restore",
    "Backups",
    "Puts a tenant's module back to what a backup holds, at the version that it was made at",
    {
      params: backup,
      body: z.strictObject({ acceptDataLoss: acceptDataLossSchema }),
      answer: migrationSchema,
      status: 202,
    },
  ),
  deleteBackup: route("post /v1/backups/{backupId}/deletion", "Backups", "Deletes a backup and its file", {
    params: backup,
    answer: backupSchema,
  }),
  getRetentionPolicy: route(
    "get /v1/tenants/{tenant}/modules/{module}/retention",
    "Backups",
    "How many rollback points and backups of a tenant's module are kept, and for how long",
    { params: tenantModule, answer: shownRetentionPolicySchema },
  ),
  setRetentionPolicy: route(
    "put /v1/tenants/{tenant}/modules/{module}/retention",
    "Backups",
    "Says how many are kept of a tenant's; null: as of all tenants of the module",
    {
      params: tenantModule,
      body: z.strictObject({ policy: retentionPolicySchema.nullable() }),
      answer: shownRetentionPolicySchema,
    },
  ),
  getModuleRetentionPolicy: route(
    "get /v1/modules/{module}/retention",
    "Backups",
    "How many are kept of tenants that have no policy of their own",
    { params: module, answer: shownRetentionPolicySchema },
  ),
  setModuleRetentionPolicy: route(
    "put /v1/modules/{module}/retention",
    "Backups",
    "Says how many are kept of tenants that have no policy of their own; null: the default",
    {
      params: module,
      body: z.strictObject({ policy: retentionPolicySchema.nullable() }),
      answer: shownRetentionPolicySchema,
    },
  ),
  applyRetention: route(
    "post /v1/tenants/{tenant}/modules/{module}/retention/application",
    "Backups",
    "Drops what a tenant's policy does not keep, and tells what; safe to repeat",
    {
      params: tenantModule,
      body: z.strictObject({ dryRun: z.boolean().default(false).describe("Only tells") }),
      answer: retentionResultSchema,
    },
  ),
} as const;
