import type { LogLine } from "../api/migration-log.ts";
import type { RehearsalReport } from "../api/rehearsals.ts";
import type { AddFreezeInput, Freeze } from "../api/freezes.ts";
import type { CleanupReport } from "../api/cleanup.ts";
import type { MigrationStatistics, VersionUsageStats } from "../api/statistics.ts";
import type { OperationInput, VersionRoutingInput } from "../api/operations.ts";
import type {
  FleetMember,
  FleetMemberStatus,
  FleetPlan,
  FleetUpgrade,
  FleetUpgradeOptionsInput,
  QuarantinedVersion,
  ShownUpgradePolicy,
  UpgradePolicyInput,
} from "../api/fleet-upgrades.ts";
import type { FleetStatus } from "@aibos/domain";
import type { Rollout, RolloutCommandName, RolloutStatus, StartRolloutInput } from "../api/rollouts.ts";
import type {
  Deployment,
  HealthReport,
  Migration,
  MigrationKind,
  MigrationStatus,
  MigrationValidation,
  Module,
  ModuleVersion,
  Page,
  PlatformStatus,
  Published,
  RollbackPoint,
  Routing,
  Tenant,
  TenantModule,
  TenantState,
} from "../api/models.ts";
import type {
  MirrorInput,
  MirrorReport,
  RoutePolicy,
  RulesInput,
  StickinessOptions,
  TesterToken,
} from "../api/route-policy.ts";
import type { CustomizationService } from "./customization-service.ts";
import type { FlagService } from "./flag-service.ts";
import type { BackupService } from "./backup-service.ts";
import type { DataLossOptions, PageRequest } from "./page-request.ts";
import type { PerformanceReport, VersionComparison, VersionPerformance } from "../api/performance.ts";

export interface MigrateOptions {
  /** ISO 8601 time to start at; without it, now. */
  scheduledTime?: string;
  /** Carries customisations along, and refuses while one conflicts. True unless told. */
  preserveCustomizations?: boolean;
  /**
   * Puts everything back when a step fails. True unless told. Otherwise it stops at that step, `paused`, until it is
   * resumed or cancelled; where requests are held, it keeps the furthest version that it reached instead.
   */
  rollbackOnFailure?: boolean;
  /** Seconds for which health and measurements of the new version are watched before it counts as done. 0 unless told. */
  observe?: number;
  /**
   * Seconds for which the old version's data stays beside the new one's, so that going back loses nothing. 0 unless
   * told. The migration resolves before that; `result.completion` is the scheduled operation that ends it.
   */
  soak?: number;
  /** After an undone failure, goes back further, to the newest rollback point of this version. */
  rollbackVersion?: string;
  /** Says yes to losing, with `rollbackVersion`, the writes made since that rollback point. False unless told. */
  acceptDataLoss?: boolean;
  /**
   * Refuses unless a rehearsal of the same releases passed for this tenant in the last so many seconds. The tenant's
   * upgrade policy can ask for the same.
   */
  requireRehearsal?: number;
}

export interface WindowOptions {
  /** How far back to look, in seconds, 10 to 400 days; 300 unless told, and 60 while monitoring. */
  window?: number;
}

/**
 * All that the platform can do. Implemented in process by the control plane and over HTTP by
 * `createMultiVersionClient`; one suite of tests runs against both.
 *
 * Tenants, modules and versions are plain text here and validated on the way in. Every failure is a `DomainError`
 * with a stable `code` (see docs/reference/errors.md). Methods that change a tenant start a durable operation and
 * resolve when it has ended; when it fails they throw AIBOS_MIGRATION_FAILED. Use `start` to go on without waiting.
 */
export interface MultiVersionService extends FlagService, CustomizationService, BackupService {
  /** Stores a packed module version. Publishing the same content again changes nothing. */
  publish(archive: Uint8Array): Promise<Published>;
  listModules(page?: PageRequest): Promise<Page<Module>>;
  listVersions(module: string, page?: PageRequest): Promise<Page<ModuleVersion>>;
  getVersion(module: string, version: string): Promise<ModuleVersion>;
  registerExternalUrl(module: string, version: string, url: string): Promise<Deployment>;
  listDeployments(page?: PageRequest): Promise<Page<Deployment>>;
  /** Every version on the best way, both ends included. @throws AIBOS_NO_UPGRADE_PATH with the reason. */
  getMigrationPath(from: string, to: string, module: string): Promise<string[]>;

  createTenant(tenant: { id: string; title?: string; labels?: Record<string, string> }): Promise<Tenant>;
  listTenants(filter?: PageRequest & { label?: string }): Promise<Page<Tenant>>;
  getTenant(tenant: string): Promise<Tenant>;
  /** Sets labels; null takes one away. */
  labelTenant(tenant: string, labels: Record<string, string | null>): Promise<Tenant>;
  /** The tenant's users get 403 until it is resumed. */
  suspendTenant(tenant: string): Promise<TenantState>;
  resumeTenant(tenant: string): Promise<TenantState>;
  listTenantModules(tenant: string, page?: PageRequest): Promise<Page<TenantModule>>;
  getTenantModule(tenant: string, module: string): Promise<TenantModule>;

  /** Starts an operation and returns at once. @throws AIBOS_OPERATION_IN_PROGRESS when another one runs. */
  start(tenant: string, module: string, operation: OperationInput): Promise<Migration>;
  getMigration(migrationId: string): Promise<Migration>;
  /**
   * A scheduled operation never begins; one that runs or is paused puts back what it did, and ends as `cancelled`.
   *
   * @throws AIBOS_MIGRATION_NOT_CANCELLABLE when it has ended, or has done what can't be undone
   */
  cancelMigration(migrationId: string): Promise<Migration>;
  /**
   * Has an operation stop before its next step; while requests are held it goes on until they are not.
   *
   * @throws AIBOS_MIGRATION_NOT_PAUSABLE when it does not run
   */
  pauseMigration(migrationId: string): Promise<Migration>;
  /** Has it go on; a step that failed is tried again. @throws AIBOS_MIGRATION_NOT_PAUSED */
  resumeMigration(migrationId: string): Promise<Migration>;
  /**
   * Tries again what failed or was cancelled: an operation that stopped at a step goes on from it, one that has ended
   * is started anew. Returns at once.
   *
   * @throws AIBOS_MIGRATION_NOT_RETRIABLE when it did not fail
   */
  retryMigration(migrationId: string): Promise<Migration>;
  listMigrations(
    filter?: PageRequest & {
      tenant?: string;
      module?: string;
      kind?: MigrationKind;
      status?: MigrationStatus;
      /** Only those that this fleet upgrade started. */
      fleetUpgrade?: string;
    },
  ): Promise<Page<Migration>>;
  /** The migration at each change, until it has ended. */
  watchMigration(migrationId: string, signal?: AbortSignal): AsyncIterable<Migration>;
  /** What was run and said while it was under way, in order: at most 1,000 lines from after a line on. */
  getMigrationLog(migrationId: string, page?: { after?: number; limit?: number }): Promise<LogLine[]>;
  /** Those that are there, and each new one, until the operation has ended. */
  watchMigrationLog(migrationId: string, options?: { after?: number; signal?: AbortSignal }): AsyncIterable<LogLine>;
  /** Waits for its end, whatever it is; does not throw when the migration failed. */
  waitForMigration(migrationId: string): Promise<Migration>;

  /** Gives a tenant a module: its own schema, role and data at this version. Resolves to the instance's id. */
  install(tenant: string, module: string, version: string): Promise<string>;
  /** Brings a second version up on the tenant's data, with no traffic yet. Resolves to the new instance's id. */
  enableSideBySideVersions(tenant: string, module: string, version: string): Promise<string>;
  /** `options` say what becomes of users whom a version loses; they move at once unless told. */
  updateVersionRouting(
    tenant: string,
    module: string,
    routing: VersionRoutingInput,
    options?: StickinessOptions,
  ): Promise<Routing>;
  /** Shares in percent by version; they add up to 100. */
  updateTrafficSplit(
    tenant: string,
    module: string,
    split: Record<string, number>,
    options?: StickinessOptions,
  ): Promise<Routing>;
  getRoutePolicy(tenant: string, module: string): Promise<RoutePolicy>;
  /** Replaces all match rules and segments. @throws AIBOS_VERSION_NOT_LIVE for a rule to a version that does not serve */
  setRules(tenant: string, module: string, rules: RulesInput): Promise<RoutePolicy>;
  /** Copies a share of the safe requests to a live version; null ends it. What was counted before is forgotten. */
  setMirror(tenant: string, module: string, mirror: MirrorInput | null): Promise<RoutePolicy>;
  getMirrorReport(tenant: string, module: string): Promise<MirrorReport>;
  /** A token that takes who holds it to a live version. It is valid for eight hours unless told. */
  createTesterToken(
    tenant: string,
    module: string,
    version: string,
    options?: { validSeconds?: number },
  ): Promise<TesterToken>;
  /**
   * Starts moving users to a live version, step by step, on evidence. Resolves when it has begun, not when it ends.
   *
   * @throws AIBOS_VERSION_NOT_LIVE, AIBOS_ROLLOUT_ACTIVE, AIBOS_ROLLOUT_COOLING_DOWN, AIBOS_ROLLOUT_POLICY_INVALID
   */
  startRollout(rollout: StartRolloutInput): Promise<Rollout>;
  /** With its newest verdicts. */
  getRollout(rolloutId: string): Promise<Rollout>;
  /** Newest first, without their verdicts. */
  listRollouts(
    filter?: PageRequest & { tenant?: string; module?: string; status?: RolloutStatus },
  ): Promise<Page<Rollout>>;
  /** @throws AIBOS_ROLLOUT_COMMAND_REFUSED when it means nothing where the rollout is. */
  commandRollout(rolloutId: string, command: RolloutCommandName): Promise<Rollout>;
  /** What the tenant's rollouts do differently from the release's policy; fields as in the manifest's `rollout`. */
  setRolloutPolicy(tenant: string, module: string, policy: Record<string, unknown>): Promise<void>;
  getRolloutPolicy(tenant: string, module: string): Promise<Record<string, unknown>>;
  /**
   * Moves all tenants of a module that are on an older version, in waves and batches, and resolves to their migrations
   * when all are settled, failed ones included.
   *
   * @throws AIBOS_FLEET_UPGRADE_HALTED when it halts: decide with `resumeFleetUpgrade`, `rollbackFleetUpgrade` or
   * `cancelFleetUpgrade`; and as {@link startFleetUpgrade}
   */
  forceUpgradeAll(module: string, version: string, options?: FleetUpgradeOptionsInput): Promise<Migration[]>;
  /**
   * Starts the same and returns at once.
   *
   * @throws AIBOS_FLEET_UPGRADE_ACTIVE while one of the module has not ended, AIBOS_VERSION_QUARANTINED
   */
  startFleetUpgrade(module: string, version: string, options?: FleetUpgradeOptionsInput): Promise<FleetUpgrade>;
  /** Who would go when, and who can't and why. Changes nothing. */
  planFleetUpgrade(module: string, version: string, options?: FleetUpgradeOptionsInput): Promise<FleetPlan>;
  getFleetUpgrade(fleetUpgradeId: string): Promise<FleetUpgrade>;
  /** Newest first. */
  listFleetUpgrades(filter?: PageRequest & { module?: string; status?: FleetStatus }): Promise<Page<FleetUpgrade>>;
  /** Its tenants in their order, with what came of each. */
  listFleetMembers(
    fleetUpgradeId: string,
    filter?: PageRequest & { status?: FleetMemberStatus },
  ): Promise<Page<FleetMember>>;
  /** The fleet upgrade at each change, until it has ended or halted. */
  watchFleetUpgrade(fleetUpgradeId: string, signal?: AbortSignal): AsyncIterable<FleetUpgrade>;
  /** Waits until it has ended or halted. */
  waitForFleetUpgrade(fleetUpgradeId: string): Promise<FleetUpgrade>;
  /** Goes on after a halt, and releases the version. @throws AIBOS_FLEET_COMMAND_REFUSED */
  resumeFleetUpgrade(fleetUpgradeId: string): Promise<FleetUpgrade>;
  /** Takes back all that it moved, the last one first. @throws AIBOS_FLEET_COMMAND_REFUSED */
  rollbackFleetUpgrade(fleetUpgradeId: string, options?: DataLossOptions): Promise<FleetUpgrade>;
  /** Starts nothing more; what was moved stays. @throws AIBOS_FLEET_COMMAND_REFUSED */
  cancelFleetUpgrade(fleetUpgradeId: string): Promise<FleetUpgrade>;
  getUpgradePolicy(tenant: string, module: string): Promise<ShownUpgradePolicy>;
  /** Replaces what the tenant lets happen without being asked, when, and where it is told. */
  setUpgradePolicy(tenant: string, module: string, policy: UpgradePolicyInput): Promise<ShownUpgradePolicy>;
  /** Agrees, for a tenant, to be moved to a version. */
  consentToUpgrade(tenant: string, module: string, version: string): Promise<ShownUpgradePolicy>;
  /** Versions that halted a fleet upgrade, to which nobody is moved. */
  listQuarantinedVersions(filter?: PageRequest & { module?: string }): Promise<Page<QuarantinedVersion>>;
  /** Lets tenants be moved to it again. @throws AIBOS_VERSION_NOT_QUARANTINED */
  releaseVersion(module: string, version: string): Promise<void>;
  /** Ends side by side: this version gets all traffic and the other ones are retired. */
  completeMigration(tenant: string, module: string, version: string): Promise<Migration>;
  /** With `dryRun` nothing is changed: it resolves to what {@link validateMigration} finds. */
  migrateTenant(
    tenant: string,
    module: string,
    version: string,
    options: MigrateOptions & { dryRun: true },
  ): Promise<MigrationValidation>;
  /** Resolves at once, with status `scheduled`, when a time in the future is given. */
  migrateTenant(
    tenant: string,
    module: string,
    version: string,
    options?: MigrateOptions & { dryRun?: false },
  ): Promise<Migration>;
  /** @throws AIBOS_DATA_LOSS_NOT_ACCEPTED with the writes that would be lost. */
  rollbackTenant(tenant: string, module: string, version?: string, options?: DataLossOptions): Promise<Migration>;
  createRollbackPoint(tenant: string, module: string, version: string, reason: string): Promise<RollbackPoint>;
  listRollbackPoints(filter?: PageRequest & { tenant?: string; module?: string }): Promise<Page<RollbackPoint>>;
  restoreFromRollbackPoint(rollbackPointId: string, options?: DataLossOptions): Promise<Migration>;
  /** All that speaks for and against a move now. Changes nothing that a tenant sees; the version's process is started. */
  validateMigration(
    tenant: string,
    module: string,
    version: string,
    options?: Pick<MigrateOptions, "requireRehearsal">,
  ): Promise<MigrationValidation>;
  /**
   * Runs the whole way to a version on a copy of the tenant's data, with the new version's process against the copy, and
   * tells what came of it. Users notice nothing, and nothing stays; another operation of the tenant's module waits for its
   * end, or for it to be cancelled. Resolves to a report that has not passed, too.
   *
   * @throws AIBOS_OPERATION_IN_PROGRESS, AIBOS_NO_UPGRADE_PATH and what else keeps a migration from being planned;
   * AIBOS_MIGRATION_FAILED when it was cancelled
   */
  rehearseMigration(tenant: string, module: string, version: string): Promise<RehearsalReport>;
  performHealthCheck(tenant: string, module: string): Promise<HealthReport>;

  /** What was measured of a version for a tenant. CPU and memory are those of the processes, which tenants share. */
  getVersionPerformance(
    tenant: string,
    module: string,
    version: string,
    options?: WindowOptions,
  ): Promise<VersionPerformance>;
  /**
   * Two versions side by side in the same window (3,600 seconds unless told), with how much higher each measure of `b`
   * is and the interval of that, for one tenant or for all together.
   */
  compareVersions(
    module: string,
    a: string,
    b: string,
    options?: WindowOptions & { tenant?: string },
  ): Promise<VersionComparison>;
  /** What was measured of all live versions, again and again, until the signal or the caller ends it. */
  monitorVersionPerformance(
    tenant: string,
    module: string,
    options?: WindowOptions & {
      /** Seconds from one report to the next, 1 to 60; 2 unless told. */
      interval?: number;
      signal?: AbortSignal;
    },
  ): AsyncIterable<PerformanceReport>;
  /** What came of a module's migrations: of all of them, or of those that ended on the last days (at most 400). */
  getMigrationStatistics(module: string, options?: { days?: number }): Promise<MigrationStatistics>;
  /** Who uses which version, now and on the last days (30 unless told, at most 400). */
  getVersionUsageStats(module: string, options?: { days?: number }): Promise<VersionUsageStats>;
  /** Freezes the platform, a module, a tenant or a tenant's module for a time: no version is brought or taken away. */
  addFreeze(freeze: AddFreezeInput): Promise<Freeze>;
  /** Those that are on or to come; all with `all`. */
  listFreezes(filter?: {
    tenant?: string;
    module?: string;
    all?: boolean;
    cursor?: string;
    limit?: number;
  }): Promise<Page<Freeze>>;
  removeFreeze(freezeId: string): Promise<Freeze>;
  /** Lists what nobody needs any more, and removes it unless it is a dry run. Repeating it is safe. */
  cleanup(how?: { dryRun?: boolean }): Promise<CleanupReport>;
  getStatus(): Promise<PlatformStatus>;
}
