import { z } from "zod";
import {
  deploymentSchema,
  healthReportSchema,
  labelKeySchema,
  labelsSchema,
  migrationKindSchema,
  migrationSchema,
  migrationStatusSchema,
  migrationValidationSchema,
  moduleIdSchema,
  moduleSchema,
  moduleVersionSchema,
  pageOf,
  platformStatusSchema,
  rollbackPointSchema,
  routingSchema,
  tenantIdSchema,
  tenantModuleSchema,
  tenantSchema,
  tenantStateSchema,
  upgradePathSchema,
  versionSchema,
} from "./models.ts";
import { BACKUP_ROUTES } from "./backups.ts";
import { CLEANUP_ROUTES } from "./cleanup.ts";
import { CUSTOMIZATION_ROUTES } from "./customizations.ts";
import { FLAG_ROUTES } from "./flag-routes.ts";
import { logPageSchema, logQuerySchema } from "./migration-log.ts";
import { FREEZE_ROUTES } from "./freezes.ts";
import { requireRehearsalSchema } from "./rehearsals.ts";
import { operationSchema, restoreSchema, versionRoutingSchema } from "./operations.ts";
import {
  mirrorReportSchema,
  mirrorSchema,
  routePolicySchema,
  rulesSchema,
  stickinessOptionsSchema,
  testerTokenSchema,
} from "./route-policy.ts";
import { versionComparisonSchema, versionPerformanceSchema, windowSecondsSchema } from "./performance.ts";
import {
  rolloutCommandSchema,
  rolloutOverridesSchema,
  rolloutSchema,
  rolloutStatusSchema,
  startRolloutSchema,
} from "./rollouts.ts";
import { FLEET_ROUTES } from "./fleet-routes.ts";
import { page } from "./page-query.ts";
import { module, moduleVersion, tenantModule } from "./route-parts.ts";
import { STATISTICS_ROUTES } from "./statistics.ts";
import { type Route, type RouteAnswer, type RouteArguments, type RouteInput, route } from "./route.ts";

const tenant = z.strictObject({ tenant: tenantIdSchema });
const migration = z.strictObject({ migrationId: z.string().max(60).meta({ example: "mig_8f3c2a1b9d04" }) });

const rollout = z.strictObject({ rolloutId: z.string().max(60).meta({ example: "ro_8f3c2a1b9d04" }) });
const rolloutPolicyAnswer = z.object({ policy: z.record(z.string(), z.unknown()) });

/** Every address of the API that takes and answers JSON. Publishing and watching, which stream, are beside it. */
export const ROUTES = {
  listModules: route("get /v1/modules", "Modules", "The published modules", {
    query: page,
    answer: pageOf(moduleSchema),
  }),
  listVersions: route("get /v1/modules/{module}/versions", "Modules", "A module's versions, newest first", {
    params: module,
    query: page,
    answer: pageOf(moduleVersionSchema),
  }),
  getVersion: route("get /v1/modules/{module}/versions/{version}", "Modules", "One version of a module", {
    params: moduleVersion,
    answer: moduleVersionSchema,
  }),
  getMigrationPath: route("get /v1/modules/{module}/path", "Modules", "The best upgrade path between two versions", {
    params: module,
    query: z.strictObject({ from: versionSchema, to: versionSchema }),
    answer: upgradePathSchema,
  }),
  registerExternalUrl: route(
    "put /v1/modules/{module}/versions/{version}/external-url",
    "Modules",
    "Says where a version runs that somebody else runs (runtime driver `external`)",
    { params: moduleVersion, body: z.strictObject({ url: z.url({ protocol: /^https?$/ }) }), answer: deploymentSchema },
  ),
  createTenant: route("post /v1/tenants", "Tenants", "Creates a tenant", {
    body: z.strictObject({
      id: tenantIdSchema,
      title: z.string().trim().min(1).max(120).optional(),
      labels: labelsSchema.default({}),
    }),
    answer: tenantSchema,
    status: 201,
  }),
  listTenants: route("get /v1/tenants", "Tenants", "The tenants, by identifier", {
    query: page.extend({
      label: z
        .string()
        .regex(/^[^=]+=.*$/, { error: "write key=value" })
        .optional()
        .describe("Only tenants with this label, written `key=value`"),
    }),
    answer: pageOf(tenantSchema),
  }),
  getTenant: route("get /v1/tenants/{tenant}", "Tenants", "One tenant", { params: tenant, answer: tenantSchema }),
  labelTenant: route("patch /v1/tenants/{tenant}/labels", "Tenants", "Sets labels; null takes one away", {
    params: tenant,
    body: z.record(labelKeySchema, z.string().max(120).nullable()),
    answer: tenantSchema,
  }),
  setTenantState: route(
    "put /v1/tenants/{tenant}/state",
    "Tenants",
    "Suspends a tenant, whose users then get 403, or takes it back",
    {
      params: tenant,
      body: z.strictObject({ state: z.enum(["active", "suspended"]) }),
      answer: tenantStateSchema,
    },
  ),
  listTenantModules: route("get /v1/tenants/{tenant}/modules", "Tenants", "The modules that a tenant uses", {
    params: tenant,
    query: page,
    answer: pageOf(tenantModuleSchema),
  }),
  getTenantModule: route("get /v1/tenants/{tenant}/modules/{module}", "Tenants", "One tenant's use of a module", {
    params: tenantModule,
    answer: tenantModuleSchema,
  }),
  updateVersionRouting: route(
    "put /v1/tenants/{tenant}/modules/{module}/routing",
    "Routing",
    "Shares traffic between an old and a new version",
    { params: tenantModule, query: stickinessOptionsSchema, body: versionRoutingSchema, answer: routingSchema },
  ),
  updateTrafficSplit: route(
    "put /v1/tenants/{tenant}/modules/{module}/traffic",
    "Routing",
    "Sets each live version's share of users, in percent; they add up to 100",
    {
      params: tenantModule,
      query: stickinessOptionsSchema,
      body: z.record(z.string(), z.number()),
      answer: routingSchema,
    },
  ),
  getRoutePolicy: route(
    "get /v1/tenants/{tenant}/modules/{module}/rules",
    "Routing",
    "What decides about requests besides weights: rules, segments, mirror, users who keep a version",
    { params: tenantModule, answer: routePolicySchema },
  ),
  setRules: route(
    "put /v1/tenants/{tenant}/modules/{module}/rules",
    "Routing",
    "Replaces the match rules, which are asked in their order before the weights, and the segments that they name",
    { params: tenantModule, body: rulesSchema, answer: routePolicySchema },
  ),
  getMirrorReport: route(
    "get /v1/tenants/{tenant}/modules/{module}/mirror",
    "Routing",
    "What came of the requests that were copied to another version",
    { params: tenantModule, answer: mirrorReportSchema },
  ),
  setMirror: route(
    "put /v1/tenants/{tenant}/modules/{module}/mirror",
    "Routing",
    "Copies a share of the safe requests to a version and compares the answers; null ends it",
    {
      params: tenantModule,
      body: z.strictObject({ mirror: mirrorSchema.nullable() }),
      answer: routePolicySchema,
    },
  ),
  createTesterToken: route(
    "post /v1/tenants/{tenant}/modules/{module}/tester-tokens",
    "Routing",
    "Signs a token that takes its holder to one live version, whatever rules and weights say",
    {
      params: tenantModule,
      body: z.strictObject({
        version: versionSchema,
        validSeconds: z.int().min(60).max(2_592_000).default(28_800).describe("At most 30 days"),
      }),
      answer: testerTokenSchema,
      status: 201,
    },
  ),
  startRollout: route(
    "post /v1/rollouts",
    "Rollouts",
    "Starts moving users of one or more tenants to a version, step by step, on evidence",
    { body: startRolloutSchema, answer: rolloutSchema, status: 201 },
  ),
  listRollouts: route("get /v1/rollouts", "Rollouts", "Rollouts, newest first, without their verdicts", {
    query: page.extend({
      tenant: tenantIdSchema.optional(),
      module: moduleIdSchema.optional(),
      status: rolloutStatusSchema.optional(),
    }),
    answer: pageOf(rolloutSchema),
  }),
  getRollout: route("get /v1/rollouts/{rolloutId}", "Rollouts", "One rollout with its verdicts", {
    params: rollout,
    answer: rolloutSchema,
  }),
  commandRollout: route(
    "post /v1/rollouts/{rolloutId}/commands",
    "Rollouts",
    "Pauses, resumes, approves, steps, promotes or aborts a rollout",
    { params: rollout, body: rolloutCommandSchema, answer: rolloutSchema },
  ),
  getRolloutPolicy: route(
    "get /v1/tenants/{tenant}/modules/{module}/rollout-policy",
    "Rollouts",
    "What a tenant's rollouts do differently from the release's policy",
    { params: tenantModule, answer: rolloutPolicyAnswer },
  ),
  setRolloutPolicy: route(
    "put /v1/tenants/{tenant}/modules/{module}/rollout-policy",
    "Rollouts",
    "Says what a tenant's rollouts do differently from the release's policy",
    { params: tenantModule, body: rolloutOverridesSchema, answer: rolloutPolicyAnswer },
  ),
  ...FLAG_ROUTES,
  startOperation: route(
    "post /v1/tenants/{tenant}/modules/{module}/migrations",
    "Migrations",
    "Starts an operation: install, migrate, side by side, complete, roll back, take a rollback point",
    { params: tenantModule, body: operationSchema, answer: migrationSchema, status: 202 },
  ),
  validateMigration: route(
    "post /v1/tenants/{tenant}/modules/{module}/validation",
    "Migrations",
    "Tells whether a tenant can be moved to a version now, and what would be done. Changes nothing",
    {
      params: tenantModule,
      body: z.strictObject({ version: versionSchema, requireRehearsal: requireRehearsalSchema.optional() }),
      answer: migrationValidationSchema,
    },
  ),
  performHealthCheck: route(
    "get /v1/tenants/{tenant}/modules/{module}/health",
    "Tenants",
    "Checks a tenant's use of a module: data, processes, routing",
    { params: tenantModule, answer: healthReportSchema },
  ),
  listMigrations: route("get /v1/migrations", "Migrations", "Operations, newest first", {
    query: page.extend({
      tenant: tenantIdSchema.optional(),
      module: moduleIdSchema.optional(),
      kind: migrationKindSchema.optional(),
      status: migrationStatusSchema.optional(),
      fleetUpgrade: z.string().max(60).optional().describe("Only those that this fleet upgrade started"),
    }),
    answer: pageOf(migrationSchema),
  }),
  getMigration: route("get /v1/migrations/{migrationId}", "Migrations", "One operation with its steps", {
    params: migration,
    answer: migrationSchema,
  }),
  getMigrationLog: route(
    "get /v1/migrations/{migrationId}/log",
    "Migrations",
    "What was run and said while an operation was under way",
    { params: migration, query: logQuerySchema, answer: logPageSchema },
  ),
  cancelMigration: route(
    "post /v1/migrations/{migrationId}/cancel",
    "Migrations",
    "Cancels an operation: one that waits never begins, one that runs puts back what it did",
    { params: migration, answer: migrationSchema },
  ),
  pauseMigration: route(
    "post /v1/migrations/{migrationId}/pause",
    "Migrations",
    "Has an operation stop before its next step, unless requests are held then",
    { params: migration, answer: migrationSchema },
  ),
  resumeMigration: route(
    "post /v1/migrations/{migrationId}/resume",
    "Migrations",
    "Has a paused operation go on; a step that failed is tried again",
    { params: migration, answer: migrationSchema },
  ),
  retryMigration: route(
    "post /v1/migrations/{migrationId}/retry",
    "Migrations",
    "Tries an operation again that failed: from the step that failed where it stopped there, else anew",
    { params: migration, answer: migrationSchema, status: 202 },
  ),
  ...FLEET_ROUTES,
  ...STATISTICS_ROUTES,
  ...CLEANUP_ROUTES,
  ...FREEZE_ROUTES,
  listRollbackPoints: route("get /v1/rollback-points", "Migrations", "Rollback points, newest first", {
    query: page.extend({ tenant: tenantIdSchema.optional(), module: moduleIdSchema.optional() }),
    answer: pageOf(rollbackPointSchema),
  }),
  restoreRollbackPoint: route(
    "post /v1/rollback-points/{rollbackPointId}/restore",
    "Migrations",
    "Puts a tenant's module back to a rollback point",
    {
      params: z.strictObject({ rollbackPointId: z.string().max(60).meta({ example: "rp_8f3c2a1b9d04" }) }),
      body: restoreSchema,
      answer: migrationSchema,
      status: 202,
    },
  ),
  ...BACKUP_ROUTES,
  ...CUSTOMIZATION_ROUTES,
  getVersionPerformance: route(
    "get /v1/tenants/{tenant}/modules/{module}/versions/{version}/performance",
    "Measurements",
    "What was measured of a version for a tenant: requests, errors, response times, CPU and memory",
    {
      params: z.strictObject({ tenant: tenantIdSchema, module: moduleIdSchema, version: versionSchema }),
      query: z.strictObject({ window: windowSecondsSchema.default(300) }),
      answer: versionPerformanceSchema,
    },
  ),
  compareVersions: route(
    "get /v1/modules/{module}/comparison",
    "Measurements",
    "Two versions side by side, with differences and their intervals, for a tenant or for all",
    {
      params: module,
      query: z.strictObject({
        a: versionSchema,
        b: versionSchema,
        tenant: tenantIdSchema.optional(),
        window: windowSecondsSchema.default(3_600),
      }),
      answer: versionComparisonSchema,
    },
  ),
  listDeployments: route("get /v1/deployments", "Platform", "The running module versions", {
    query: page,
    answer: pageOf(deploymentSchema),
  }),
  getStatus: route("get /v1/status", "Platform", "Gateways, control-plane processes and counts", {
    answer: platformStatusSchema,
  }),
} as const satisfies Record<string, Route>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;

/** The API as a caller sees it: over HTTP or in process. */
export type RouteCaller = { [N in RouteName]: (input: RouteInput<Routes[N]>) => Promise<RouteAnswer<Routes[N]>> };

/** The API as its implementation sees it: everything is validated already. */
export type RouteHandlers = {
  [N in RouteName]: (args: RouteArguments<Routes[N]>) => Promise<RouteAnswer<Routes[N]>>;
};

/** `POST` a module's archive (`application/gzip`): answers 201, or 200 when the same content was there already. */
export const PUBLISH_PATH = "/v1/modules";
/** `GET`: an operation as newline-delimited JSON, one migration a line at each change, until it has ended. */
export const WATCH_PATH = "/v1/migrations/{migrationId}/events";
/** `GET`: what an operation says, a line of its log a line, until it has ended. */
export const WATCH_LOG_PATH = "/v1/migrations/{migrationId}/log/events";
/** `GET`: a fleet upgrade at each change, until it has ended or halted. */
export const WATCH_FLEET_PATH = "/v1/fleet-upgrades/{fleetUpgradeId}/events";
/** `GET`: what is measured of a tenant's live versions, a report a line every few seconds, until the reader leaves. */
export const MONITOR_PATH = "/v1/tenants/{tenant}/modules/{module}/performance/events";
/** What {@link MONITOR_PATH} takes. */
export const monitorQuerySchema = z.strictObject({
  window: windowSecondsSchema.default(60),
  interval: z.coerce.number().int().min(1).max(60).default(2).describe("Seconds from one report to the next"),
});
/** A module's archive may have at most so many bytes. */
export const ARCHIVE_LIMIT_BYTES = 64 * 1024 * 1024;
