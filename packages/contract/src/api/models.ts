import { z } from "zod";
import { parseModuleId, parseTenantId, parseVersion } from "@aibos/domain";
import { rehearsalReportSchema } from "./rehearsals.ts";

/** Shapes of the API's answers. Times are ISO 8601 in UTC; durations are in milliseconds; sizes are in bytes. */

function identifier<T>(parse: (text: string) => T, example: string) {
  return z
    .string()
    .transform((text, ctx) => {
      try {
        return parse(text);
      } catch (error) {
        ctx.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
        return z.NEVER;
      }
    })
    .meta({ example });
}

export const tenantIdSchema = identifier(parseTenantId, "acme");
export const moduleIdSchema = identifier(parseModuleId, "accounting");
export const versionSchema = identifier(parseVersion, "1.5.0");

const time = z.iso.datetime().meta({ example: "2027-01-31T09:30:00.000Z" });
const count = z.int().nonnegative();

export const labelKeySchema = z.string().regex(/^[a-z][a-z0-9._/-]{0,62}$/, {
  error: 'a label\'s key is 1 to 63 lower-case letters, digits, ".", "_", "/" and "-", beginning with a letter',
});
export const labelsSchema = z
  .record(labelKeySchema, z.string().max(120))
  .refine((labels) => Object.keys(labels).length <= 64, { error: "at most 64 labels" });

export const tenantSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    labels: z.record(z.string(), z.string()),
    state: z.enum(["active", "suspended"]),
    dataStore: z.string(),
    createdAt: time,
  })
  .meta({ id: "Tenant" });
export type Tenant = z.infer<typeof tenantSchema>;

export const tenantStateSchema = tenantSchema
  .extend({
    /** True once every live gateway applied it. */
    acknowledged: z.boolean(),
  })
  .meta({ id: "TenantState" });
export type TenantState = z.infer<typeof tenantStateSchema>;

export const moduleSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    latestVersion: z.string(),
    versions: count,
    tenants: count,
  })
  .meta({ id: "Module" });
export type Module = z.infer<typeof moduleSchema>;

export const moduleVersionSchema = z
  .object({
    module: z.string(),
    version: z.string(),
    title: z.string(),
    digest: z.string(),
    sizeBytes: count,
    driver: z.enum(["process", "external"]),
    upgradesFrom: z.string().nullable(),
    compatibleWith: z.string().nullable(),
    migrations: z.array(z.string()),
    deprecatedOn: z.string().nullable(),
    endOfLife: z.string().nullable(),
    replacement: z.string().nullable(),
    migrationGuide: z.string().nullable(),
    tenants: count,
    publishedAt: time,
  })
  .meta({ id: "ModuleVersion" });
export type ModuleVersion = z.infer<typeof moduleVersionSchema>;

export const flagBreakSchema = z.object({
  flag: z.string(),
  kind: z.enum(["removed", "retyped"]),
  message: z.string(),
});

export const publishedSchema = z
  .object({
    module: z.string(),
    version: z.string(),
    digest: z.string(),
    sizeBytes: count,
    /** False when the same content was there already. */
    created: z.boolean(),
    /** What it breaks of the flags of versions that tenants use. */
    flagBreaks: z.array(flagBreakSchema).optional(),
  })
  .meta({ id: "Published" });
export type Published = z.infer<typeof publishedSchema>;

export const instanceStatusSchema = z.enum(["provisioning", "active", "standby", "draining", "retired"]);

export const instanceSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    module: z.string(),
    version: z.string(),
    status: instanceStatusSchema,
    /** Share of the tenant's traffic, in percent. */
    traffic: z.number(),
    createdAt: time,
  })
  .meta({ id: "Instance" });
export type Instance = z.infer<typeof instanceSchema>;

export const deploymentSchema = z
  .object({
    module: z.string(),
    version: z.string(),
    driver: z.enum(["process", "external"]),
    state: z.string(),
    url: z.string().nullable(),
    pid: z.int().nullable(),
    restarts: count,
    lastError: z.string().nullable(),
    tenants: count,
  })
  .meta({ id: "Deployment" });
export type Deployment = z.infer<typeof deploymentSchema>;

export const MIGRATION_KINDS = [
  "install",
  "migrate",
  "side-by-side",
  "complete",
  "rollback",
  "rollback-point",
  "restore",
  "rehearse",
  "backup",
  "restore-backup",
] as const;
export const migrationKindSchema = z.enum(MIGRATION_KINDS);
export type MigrationKind = z.infer<typeof migrationKindSchema>;

export const MIGRATION_STATUSES = [
  "scheduled",
  "running",
  "paused",
  "succeeded",
  "failed",
  "rolled-back",
  "cancelled",
] as const;
export const migrationStatusSchema = z.enum(MIGRATION_STATUSES);
export type MigrationStatus = z.infer<typeof migrationStatusSchema>;

export const migrationStepSchema = z
  .object({
    position: count,
    name: z.string(),
    title: z.string(),
    status: z.enum(["running", "succeeded", "failed", "undone"]),
    /** SHA-256 of what the step did, where it did something to data. */
    checksum: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    error: z.string().nullable(),
    startedAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: "MigrationStep" });
export type MigrationStep = z.infer<typeof migrationStepSchema>;

export const tableWritesSchema = z
  .object({
    table: z.string(),
    inserted: count,
    updated: count,
    deleted: count,
    /** False for a table without a usable key, whose writes are told from its number of rows alone. */
    exact: z.boolean(),
  })
  .meta({ id: "TableWrites" });
export type TableWrites = z.infer<typeof tableWritesSchema>;

/** Rows with values that no older version has a place for. */
export const discardedValuesSchema = z
  .object({
    table: z.string(),
    /** Not there when the whole table went. */
    column: z.string().optional(),
    rows: count,
  })
  .meta({ id: "DiscardedValues" });
export type DiscardedValues = z.infer<typeof discardedValuesSchema>;

export const migrationSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    module: z.string(),
    kind: migrationKindSchema,
    fromVersion: z.string().nullable(),
    toVersion: z.string().nullable(),
    /** Every version on the way, the first and the last included. */
    path: z.array(z.string()),
    status: migrationStatusSchema,
    /** What somebody asked of it and it has not come to yet. */
    wanted: z.enum(["pause", "cancel"]).nullable(),
    /** The operation that this one completes, or tries again. */
    follows: z.string().nullable(),
    /** The step that runs or ran last. */
    step: z.string().nullable(),
    steps: z.array(migrationStepSchema),
    /** Why it failed: the step, its error's code and message. */
    failure: z.object({ step: z.string(), code: z.string(), message: z.string() }).nullable(),
    /** What it made: instance, rollback point, lost writes. */
    result: z.object({
      instanceId: z.string().optional(),
      rollbackPointId: z.string().optional(),
      backupId: z.string().optional(),
      lostWrites: z.array(tableWritesSchema).optional(),
      /** What only the versions that were rolled back could hold; the rollback point has it. */
      discarded: z.array(discardedValuesSchema).optional(),
      /** How long requests were held, in milliseconds. */
      heldMs: z.number().optional(),
      /** After a migration with a soak: the scheduled operation that takes the old version's data away. */
      completion: z.object({ migrationId: z.string(), at: time }).optional(),
      /** Of a rehearsal: what came of it. */
      rehearsal: rehearsalReportSchema.optional(),
    }),
    scheduledTime: time.nullable(),
    createdAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: "Migration" });
export type Migration = z.infer<typeof migrationSchema>;

export const rollbackPointSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    module: z.string(),
    /** The versions that were live when it was taken; the first is the one that a restore goes back to. */
    version: z.string(),
    reason: z.string(),
    state: z.enum(["available", "restored", "dropped"]),
    tables: count,
    rows: count,
    bytes: count,
    /** Digests of structure and data, for comparison after a restore. */
    fingerprint: z.object({ structure: z.string(), data: z.string() }),
    createdAt: time,
  })
  .meta({ id: "RollbackPoint" });
export type RollbackPoint = z.infer<typeof rollbackPointSchema>;

export const problemSchema = z
  .object({
    code: z.string(),
    severity: z.enum(["error", "warning"]),
    /** What is wrong, and mostly what to do about it. */
    message: z.string(),
    wayOut: z.string().optional().describe("What to do about it, where the message does not say so"),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof problemSchema>;

/** Between these, in milliseconds, nine of ten times. */
const msRangeSchema = z.object({ lowMs: z.number().nonnegative(), highMs: z.number().nonnegative() });

export const migrationEstimateSchema = z
  .object({
    duration: msRangeSchema,
    /** How long the tenant's requests wait or are refused; 0 along live releases. */
    downtime: msRangeSchema,
    /** Rows and bytes of the tenant's data that this is for, as PostgreSQL's statistics have them. */
    rows: count,
    bytes: count,
    basis: z
      .enum(["history", "size"])
      .describe("`history`: earlier migrations over the same versions, scaled to these rows; `size`: too few of those"),
    /** Earlier migrations that were looked at. */
    samples: count,
  })
  .meta({ id: "MigrationEstimate" });
export type MigrationEstimate = z.infer<typeof migrationEstimateSchema>;

export const migrationValidationSchema = z
  .object({
    isValid: z.boolean(),
    errors: z.array(problemSchema),
    warnings: z.array(problemSchema),
    path: z.array(z.string()),
    /** What would be done, one line a step. */
    steps: z.array(z.string()),
    /** Whether requests are held for a moment while the data is changed. */
    holdsRequests: z.boolean(),
    /** Null where the move can't be planned. */
    estimate: migrationEstimateSchema.nullable(),
  })
  .meta({ id: "MigrationValidation" });
export type MigrationValidation = z.infer<typeof migrationValidationSchema>;

export const healthReportSchema = z
  .object({
    status: z.enum(["healthy", "degraded", "unhealthy"]),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
    issues: z.array(z.string()),
  })
  .meta({ id: "HealthReport" });
export type HealthReport = z.infer<typeof healthReportSchema>;

export const routingSchema = z
  .object({
    tenant: z.string(),
    module: z.string(),
    /** Percent of the tenant's users by version. */
    traffic: z.record(z.string(), z.number()),
    revision: z.int().nonnegative(),
    /** True once every live gateway applied it. */
    acknowledged: z.boolean(),
    /** The rollout that shares the traffic from here on, after `gradual`. */
    rolloutId: z.string().nullable(),
  })
  .meta({ id: "Routing" });
export type Routing = z.infer<typeof routingSchema>;

export const tenantModuleSchema = z
  .object({
    tenant: z.string(),
    module: z.string(),
    /** Where the data is. */
    schema: z.string(),
    /** The release whose tables the data has. */
    dataVersion: z.string(),
    instances: z.array(instanceSchema),
    traffic: z.record(z.string(), z.number()),
    /** The operation that runs now. */
    operation: z.object({ id: z.string(), kind: migrationKindSchema, step: z.string().nullable() }).nullable(),
  })
  .meta({ id: "TenantModule" });
export type TenantModule = z.infer<typeof tenantModuleSchema>;

export const platformStatusSchema = z
  .object({
    /** The program's version. */
    program: z.string(),
    tenants: count,
    /** Operations that run now. */
    running: count,
    gateways: z.array(z.object({ id: z.string(), url: z.string(), revision: count, live: z.boolean(), seenAt: time })),
    controlPlanes: z.array(z.object({ id: z.string(), live: z.boolean(), startedAt: time, seenAt: time })),
    /** Newest revision of the routes. */
    revision: count,
  })
  .meta({ id: "PlatformStatus" });
export type PlatformStatus = z.infer<typeof platformStatusSchema>;

/** Body of every answer that is not a success (RFC 9457), plus the failure's own fields. */
export const problemDetailsSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    requestId: z.string(),
  })
  .meta({ id: "ProblemDetails" });

export const upgradePathSchema = z.object({ path: z.array(z.string()) });

/** A page of a list: pass `nextCursor` back as `cursor` for the next one; null at the end. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
export type Page<T> = { items: T[]; nextCursor: string | null };
