import { MigrationFailedError, RollbackPointNotFoundError } from "../errors/operation-errors.ts";
import type { Migration, MigrationValidation, Published } from "../api/models.ts";
import { FleetUpgradeHaltedError } from "../errors/fleet-errors.ts";
import type { FleetUpgrade } from "../api/fleet-upgrades.ts";
import type { PerformanceReport } from "../api/performance.ts";
import type { LogLine } from "../api/migration-log.ts";
import type { RehearsalReport } from "../api/rehearsals.ts";
import type { OperationInput } from "../api/operations.ts";
import type { RouteCaller } from "../api/routes.ts";
import { backupMethods } from "./backup-methods.ts";
import { customizationMethods } from "./customization-methods.ts";
import type { MigrateOptions, MultiVersionService } from "./multi-version-service.ts";

/** What the methods of {@link MultiVersionService} are made of; the two implementations differ in this alone. */
export interface ServicePort {
  readonly call: RouteCaller;
  readonly publish: (archive: Uint8Array) => Promise<Published>;
  readonly watchMigration: (migrationId: string, signal?: AbortSignal) => AsyncIterable<Migration>;
  readonly watchMigrationLog: (migrationId: string, after: number, signal?: AbortSignal) => AsyncIterable<LogLine>;
  readonly watchFleetUpgrade: (fleetUpgradeId: string, signal?: AbortSignal) => AsyncIterable<FleetUpgrade>;
  readonly monitor: (request: MonitorRequest, signal?: AbortSignal) => AsyncIterable<PerformanceReport>;
}

/** What to monitor, as a caller writes it. */
export interface MonitorRequest {
  readonly tenant: string;
  readonly module: string;
  /** Seconds. */
  readonly window?: number;
  readonly interval?: number;
}

/** Tells whether an operation has ended. */
export function hasEnded(migration: Migration): boolean {
  return migration.finishedAt !== null;
}

/** Tells whether an operation goes on only when somebody decides: it stopped at a step that failed. */
export function isHalted({ status, failure }: Migration): boolean {
  return status === "paused" && failure !== null;
}

/** Tells whether nothing more happens to a fleet upgrade by itself. */
export function isSettled({ status, finishedAt }: FleetUpgrade): boolean {
  return finishedAt !== null || status === "halted";
}

/** Builds the service's methods over a port. */
export function composeService(port: ServicePort): MultiVersionService {
  const { call, publish, watchMigration, watchFleetUpgrade, monitor } = port;
  const none = { params: {}, query: {}, body: undefined };

  async function waitForMigration(migrationId: string): Promise<Migration> {
    let last = await call.getMigration({ ...none, params: { migrationId } });
    if (hasEnded(last) || isHalted(last)) return last;
    for await (const migration of watchMigration(migrationId)) {
      last = migration;
      if (isHalted(migration)) break;
    }
    return last;
  }

  async function start(tenant: string, module: string, operation: OperationInput): Promise<Migration> {
    return call.startOperation({ ...none, params: { tenant, module }, body: operation });
  }

  async function settle(started: Migration): Promise<Migration> {
    if (started.status === "scheduled") return started;
    const ended = await waitForMigration(started.id);
    if (ended.status === "succeeded") return ended;
    throw failureOf(ended);
  }

  async function rehearse(tenant: string, module: string, version: string): Promise<RehearsalReport> {
    const ended = await waitForMigration((await start(tenant, module, { kind: "rehearse", version })).id);
    const { rehearsal } = ended.result;
    if (rehearsal === undefined || ended.status === "cancelled") throw failureOf(ended);
    return rehearsal;
  }

  function failureOf(ended: Migration): MigrationFailedError {
    return new MigrationFailedError({
      migrationId: ended.id,
      step: ended.failure?.step ?? ended.step ?? "start",
      reason: ended.failure?.message ?? "No reason was recorded.",
      outcome: ended.status,
    });
  }

  const startFleet: MultiVersionService["startFleetUpgrade"] = (module, version, options = {}) =>
    call.startFleetUpgrade({ ...none, body: { module, version, options } });

  async function waitForFleetUpgrade(fleetUpgradeId: string): Promise<FleetUpgrade> {
    let last = await call.getFleetUpgrade({ ...none, params: { fleetUpgradeId } });
    if (isSettled(last)) return last;
    for await (const fleet of watchFleetUpgrade(fleetUpgradeId)) last = fleet;
    return last;
  }

  async function migrationsOf(fleetUpgrade: string): Promise<Migration[]> {
    const found: Migration[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query = queryOf({ fleetUpgrade, kind: "migrate" as const, limit: 1_000, cursor });
      const page = await call.listMigrations({ ...none, query });
      found.push(...page.items);
      cursor = page.nextCursor;
    }
    return found;
  }

  const commandFleet = (fleetUpgradeId: string, body: Parameters<RouteCaller["commandFleetUpgrade"]>[0]["body"]) =>
    call.commandFleetUpgrade({ ...none, params: { fleetUpgradeId }, body });

  const run = async (tenant: string, module: string, operation: OperationInput): Promise<Migration> =>
    settle(await start(tenant, module, operation));

  const validateMigration: MultiVersionService["validateMigration"] = (tenant, module, version, options = {}) =>
    call.validateMigration({ ...none, params: { tenant, module }, body: queryOf({ version, ...options }) });

  // Declared by its overloads: which one answers is told by `dryRun`.
  function migrateTenant(
    tenant: string,
    module: string,
    version: string,
    options: MigrateOptions & { dryRun: true },
  ): Promise<MigrationValidation>;
  function migrateTenant(
    tenant: string,
    module: string,
    version: string,
    options?: MigrateOptions & { dryRun?: false },
  ): Promise<Migration>;
  function migrateTenant(
    tenant: string,
    module: string,
    version: string,
    { dryRun = false, ...options }: MigrateOptions & { dryRun?: boolean } = {},
  ): Promise<Migration | MigrationValidation> {
    if (dryRun) return validateMigration(tenant, module, version, rehearsalOf(options));
    return run(tenant, module, { kind: "migrate", version, ...options });
  }

  return {
    publish,
    watchMigration,
    waitForMigration,
    getMigrationLog: async (migrationId, page = {}) =>
      (await call.getMigrationLog({ ...none, params: { migrationId }, query: page })).lines,
    watchMigrationLog: (migrationId, { after = 0, signal } = {}) => port.watchMigrationLog(migrationId, after, signal),
    start,
    listModules: (page = {}) => call.listModules({ ...none, query: queryOf(page) }),
    listVersions: (module, page = {}) => call.listVersions({ ...none, params: { module }, query: queryOf(page) }),
    getVersion: (module, version) => call.getVersion({ ...none, params: { module, version } }),
    registerExternalUrl: (module, version, url) =>
      call.registerExternalUrl({ ...none, params: { module, version }, body: { url } }),
    listDeployments: (page = {}) => call.listDeployments({ ...none, query: queryOf(page) }),
    getMigrationPath: async (from, to, module) =>
      (await call.getMigrationPath({ ...none, params: { module }, query: { from, to } })).path,
    createTenant: (tenant) => call.createTenant({ ...none, body: tenant }),
    listTenants: (filter = {}) => call.listTenants({ ...none, query: queryOf(filter) }),
    getTenant: (tenant) => call.getTenant({ ...none, params: { tenant } }),
    labelTenant: (tenant, labels) => call.labelTenant({ ...none, params: { tenant }, body: labels }),
    suspendTenant: (tenant) => call.setTenantState({ ...none, params: { tenant }, body: { state: "suspended" } }),
    resumeTenant: (tenant) => call.setTenantState({ ...none, params: { tenant }, body: { state: "active" } }),
    listTenantModules: (tenant, page = {}) =>
      call.listTenantModules({ ...none, params: { tenant }, query: queryOf(page) }),
    getTenantModule: (tenant, module) => call.getTenantModule({ ...none, params: { tenant, module } }),
    cancelMigration: (migrationId) => call.cancelMigration({ ...none, params: { migrationId } }),
    pauseMigration: (migrationId) => call.pauseMigration({ ...none, params: { migrationId } }),
    resumeMigration: (migrationId) => call.resumeMigration({ ...none, params: { migrationId } }),
    retryMigration: (migrationId) => call.retryMigration({ ...none, params: { migrationId } }),
    getMigration: (migrationId) => call.getMigration({ ...none, params: { migrationId } }),
    listMigrations: (filter = {}) => call.listMigrations({ ...none, query: queryOf(filter) }),
    install: async (tenant, module, version) => instanceOf(await run(tenant, module, { kind: "install", version })),
    enableSideBySideVersions: async (tenant, module, version) =>
      instanceOf(await run(tenant, module, { kind: "side-by-side", version })),
    updateVersionRouting: (tenant, module, routing, options = {}) =>
      call.updateVersionRouting({ params: { tenant, module }, query: queryOf(options), body: routing }),
    updateTrafficSplit: (tenant, module, split, options = {}) =>
      call.updateTrafficSplit({ params: { tenant, module }, query: queryOf(options), body: split }),
    updateFeatureFlags: (tenant, module, flags, options = {}) =>
      call.updateFeatureFlags({ params: { tenant, module }, query: queryOf(options), body: flags }),
    listFeatureFlags: (tenant, module, options = {}) =>
      call.listFeatureFlags({ ...none, params: { tenant, module }, query: queryOf(options) }),
    checkFeatureFlag: (tenant, module, flag, context = {}) =>
      call.checkFeatureFlag({ ...none, params: { tenant, module, flag }, body: context }),
    explainFeatureFlag: (tenant, module, flag, context = {}) =>
      call.explainFeatureFlag({ ...none, params: { tenant, module, flag }, body: context }),
    createFlagKey: (tenant, module) => call.createFlagKey({ ...none, params: { tenant, module } }),
    revokeFlagKey: async (keyId) => {
      await call.revokeFlagKey({ ...none, params: { keyId } });
    },
    listModuleFlags: (module) => call.listModuleFlags({ ...none, params: { module } }),
    setFlagRule: async (module, flag, rule) =>
      (await call.setFlagRule({ ...none, params: { module, flag }, body: rule })).revision,
    killFlag: async (module, flag, killed, note = {}) =>
      (await call.killFlag({ ...none, params: { module, flag }, body: { killed, ...note } })).revision,
    setFlagSegment: async (module, segment, when, note = {}) =>
      (await call.setFlagSegment({ ...none, params: { module, segment }, body: { when, ...note } })).revision,
    startFlagRollout: (module, flag, options = {}) =>
      call.startFlagRollout({ ...none, params: { module, flag }, body: options }),
    getFlagHistory: (module, flag, filter = {}) =>
      call.getFlagHistory({ ...none, params: { module, flag }, query: queryOf(filter) }),
    revertFlagChange: async (module, revision, note = {}) =>
      (await call.revertFlagChange({ ...none, params: { module, revision }, body: note })).revision,
    getStaleFlags: (module) => call.getStaleFlags({ ...none, params: { module } }),
    getFlagUsage: (module, flag, options = {}) =>
      call.getFlagUsage({ ...none, params: { module, flag }, query: queryOf(options) }),
    getFlagDefinitions: async (module, version) =>
      (await call.getFlagDefinitions({ ...none, params: { module, version } })).flags,
    exportFlags: (module, version) => call.exportFlags({ ...none, params: { module, version } }),
    getRoutePolicy: (tenant, module) => call.getRoutePolicy({ ...none, params: { tenant, module } }),
    setRules: (tenant, module, rules) => call.setRules({ ...none, params: { tenant, module }, body: rules }),
    setMirror: (tenant, module, mirror) => call.setMirror({ ...none, params: { tenant, module }, body: { mirror } }),
    getMirrorReport: (tenant, module) => call.getMirrorReport({ ...none, params: { tenant, module } }),
    createTesterToken: (tenant, module, version, options = {}) =>
      call.createTesterToken({ ...none, params: { tenant, module }, body: { version, ...options } }),
    startRollout: (rollout) => call.startRollout({ ...none, body: rollout }),
    getRollout: (rolloutId) => call.getRollout({ ...none, params: { rolloutId } }),
    listRollouts: (filter = {}) => call.listRollouts({ ...none, query: queryOf(filter) }),
    commandRollout: (rolloutId, command) => call.commandRollout({ ...none, params: { rolloutId }, body: { command } }),
    setRolloutPolicy: async (tenant, module, policy) => {
      await call.setRolloutPolicy({ ...none, params: { tenant, module }, body: policy });
    },
    getRolloutPolicy: async (tenant, module) =>
      (await call.getRolloutPolicy({ ...none, params: { tenant, module } })).policy,
    startFleetUpgrade: startFleet,
    forceUpgradeAll: async (module, version, options = {}) => {
      const started = await startFleet(module, version, options);
      const ended = await waitForFleetUpgrade(started.id);
      if (ended.status === "halted") throw new FleetUpgradeHaltedError(ended.id, ended.reason);
      return migrationsOf(ended.id);
    },
    planFleetUpgrade: (module, version, options = {}) =>
      call.planFleetUpgrade({ ...none, body: { module, version, options } }),
    getFleetUpgrade: (fleetUpgradeId) => call.getFleetUpgrade({ ...none, params: { fleetUpgradeId } }),
    listFleetUpgrades: (filter = {}) => call.listFleetUpgrades({ ...none, query: queryOf(filter) }),
    listFleetMembers: (fleetUpgradeId, filter = {}) =>
      call.listFleetMembers({ ...none, params: { fleetUpgradeId }, query: queryOf(filter) }),
    watchFleetUpgrade,
    waitForFleetUpgrade,
    resumeFleetUpgrade: (fleetUpgradeId) => commandFleet(fleetUpgradeId, { command: "resume" }),
    rollbackFleetUpgrade: (fleetUpgradeId, options = {}) =>
      commandFleet(fleetUpgradeId, { command: "rollback", ...options }),
    cancelFleetUpgrade: (fleetUpgradeId) => commandFleet(fleetUpgradeId, { command: "cancel" }),
    getUpgradePolicy: (tenant, module) => call.getUpgradePolicy({ ...none, params: { tenant, module } }),
    setUpgradePolicy: (tenant, module, policy) =>
      call.setUpgradePolicy({ ...none, params: { tenant, module }, body: policy }),
    consentToUpgrade: (tenant, module, version) =>
      call.consentToUpgrade({ ...none, params: { tenant, module, version } }),
    listQuarantinedVersions: (filter = {}) => call.listQuarantinedVersions({ ...none, query: queryOf(filter) }),
    releaseVersion: async (module, version) => {
      await call.releaseVersion({ ...none, params: { module, version } });
    },
    completeMigration: (tenant, module, version) => run(tenant, module, { kind: "complete", version }),
    migrateTenant,
    rollbackTenant: (tenant, module, version, options = {}) =>
      run(tenant, module, { kind: "rollback", ...(version === undefined ? {} : { version }), ...options }),
    createRollbackPoint: async (tenant, module, version, reason) => {
      const { result } = await run(tenant, module, { kind: "rollback-point", version, reason });
      const points = await call.listRollbackPoints({ ...none, query: { tenant, module } });
      const point = points.items.find((item) => item.id === result.rollbackPointId);
      if (point === undefined) throw new RollbackPointNotFoundError(result.rollbackPointId ?? "", "unknown");
      return point;
    },
    listRollbackPoints: (filter = {}) => call.listRollbackPoints({ ...none, query: queryOf(filter) }),
    restoreFromRollbackPoint: async (rollbackPointId, options = {}) =>
      settle(await call.restoreRollbackPoint({ ...none, params: { rollbackPointId }, body: options })),
    validateMigration,
    rehearseMigration: rehearse,
    ...customizationMethods(call),
    ...backupMethods(call, { run, settle }),
    performHealthCheck: (tenant, module) => call.performHealthCheck({ ...none, params: { tenant, module } }),
    getVersionPerformance: (tenant, module, version, options = {}) =>
      call.getVersionPerformance({ ...none, params: { tenant, module, version }, query: queryOf(options) }),
    compareVersions: (module, a, b, options = {}) =>
      call.compareVersions({ ...none, params: { module }, query: queryOf({ ...options, a, b }) }),
    monitorVersionPerformance: (tenant, module, { signal, ...options } = {}) =>
      monitor({ tenant, module, ...options }, signal),
    getMigrationStatistics: (module, options = {}) =>
      call.getMigrationStatistics({ ...none, params: { module }, query: queryOf(options) }),
    getVersionUsageStats: (module, options = {}) =>
      call.getVersionUsageStats({ ...none, params: { module }, query: queryOf(options) }),
    addFreeze: (freeze) => call.addFreeze({ ...none, body: freeze }),
    listFreezes: ({ all = false, ...filter } = {}) =>
      call.listFreezes({ ...none, query: { ...queryOf(filter), ...(all && { all: "true" as const }) } }),
    removeFreeze: (freezeId) => call.removeFreeze({ ...none, params: { freezeId } }),
    cleanup: (how = {}) => call.cleanup({ ...none, body: how }),
    getStatus: () => call.getStatus(none),
  };
}

function rehearsalOf({ requireRehearsal }: MigrateOptions): Pick<MigrateOptions, "requireRehearsal"> {
  return requireRehearsal === undefined ? {} : { requireRehearsal };
}

/** Leaves out what is undefined, which a strict shape would refuse. */
function queryOf<T extends object>(filter: T): T {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as T;
}

function instanceOf(migration: Migration): string {
  return migration.result.instanceId ?? "";
}
