import { randomBytes } from "node:crypto";
import { mkdir, realpath } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import type { Logger } from "pino";
import { composeService, type Metric, type MultiVersionService, type RouteHandlers } from "@aibos/contract";
import { checkDatabase } from "./db/check-database.ts";
import { connectTo, type ControlDatabase, openControlDatabase } from "./db/control-database.ts";
import { migrateControlSchema } from "./db/migrate-control-schema.ts";
import { listenToDatabase } from "./db/notifications.ts";
import { startDurableWork, stopDurableWork } from "./durable-work.ts";
import { createCleanupApi } from "./features/cleanup/cleanup-api.ts";
import { createBackupApi } from "./features/backups/backup-api.ts";
import { openBackupFolder } from "./features/backups/backup-folder.ts";
import { createCustomizationApi } from "./features/customizations/customization-api.ts";
import { createDeployments, IDLE_SECONDS } from "./features/deployments/deployments.ts";
import { startExecutorLife } from "./features/executors/executor-life.ts";
import { createExecutorStore, sessionName } from "./features/executors/executor-store.ts";
import { createDepartures } from "./features/fleet-upgrades/depart.ts";
import { createFreezeApi } from "./features/freezes/freeze-api.ts";
import { createFleetApi } from "./features/fleet-upgrades/fleet-api.ts";
import { startFleetEngine } from "./features/fleet-upgrades/fleet-engine.ts";
import { createFleetWorker } from "./features/fleet-upgrades/fleet-worker.ts";
import { watchFleet } from "./features/fleet-upgrades/fleet-read-model.ts";
import { createFleetLooker } from "./features/fleet-upgrades/look-at-fleet.ts";
import { createFlagApi } from "./features/feature-flags/flag-api.ts";
import { createFlagEvaluators, type FlagEvaluators } from "./features/feature-flags/flag-evaluators.ts";
import { createFlagKeys, type FlagKeys } from "./features/feature-flags/flag-keys.ts";
import { createFlagUsageCounter, type FlagUsageCounter } from "./features/feature-flags/flag-usage.ts";
import { createTenantVersions, type TenantVersions } from "./features/feature-flags/tenant-versions.ts";
import { createGatewayReadModel } from "./features/gateways/gateway-read-model.ts";
import { createGatewayStore, type GatewayStore } from "./features/gateways/gateway-store.ts";
import { createHealthApi } from "./features/health/health-api.ts";
import { createTenantProbe } from "./features/health/tenant-probe.ts";
import { loadInstallation } from "./features/installation/installation.ts";
import { createGroupWindowReadModel } from "./features/measurements/group-window-read-model.ts";
import { createMeasurementStore, type MeasurementStore } from "./features/measurements/measurement-store.ts";
import { startMeasurementUpkeep } from "./features/measurements/measurement-upkeep.ts";
import { createMeasurementPartitions } from "./features/measurements/partitions.ts";
import { createPerformanceApi } from "./features/measurements/performance-api.ts";
import { createPerformanceReadModel } from "./features/measurements/performance-read-model.ts";
import { MEASUREMENT_KEEP } from "./features/measurements/spans.ts";
import { createWindowReadModel } from "./features/measurements/window-read-model.ts";
import { startUsageSampler } from "./features/measurements/usage-sampler.ts";
import { createMigrationApi } from "./features/migrations/migration-api.ts";
import { createMigrationLog } from "./features/migrations/migration-log.ts";
import { createMigrationLedger } from "./features/migrations/migration-ledger.ts";
import { createMigrationReadModel } from "./features/migrations/migration-read-model.ts";
import { createMigrationWorkflow } from "./features/migrations/migration-workflow.ts";
import { createOperationControls } from "./features/migrations/operation-controls.ts";
import { createOperationStore } from "./features/migrations/operation-store.ts";
import { createMigrationValidator } from "./features/migrations/validation/migration-validator.ts";
import { createModuleApi } from "./features/modules/module-api.ts";
import { createModuleReadModel } from "./features/modules/module-read-model.ts";
import { createModulePublisher } from "./features/modules/publish-module.ts";
import { startNoticeSender } from "./features/notices/notice-sender.ts";
import { createPlatformApi } from "./features/platform/platform-api.ts";
import { createCustomMetrics } from "./features/rollouts/custom-metrics.ts";
import { createGates } from "./features/rollouts/gates.ts";
import { createFlagRolloutApi } from "./features/rollouts/flag-rollout-api.ts";
import { createRetention } from "./features/retention/retention.ts";
import { createRetentionApi } from "./features/retention/retention-api.ts";
import { startRetentionUpkeep } from "./features/retention/retention-upkeep.ts";
import { createRolloutLooker } from "./features/rollouts/look-at-rollout.ts";
import { createRolloutApi } from "./features/rollouts/rollout-api.ts";
import { startRolloutEngine } from "./features/rollouts/rollout-engine.ts";
import { createSyntheticRequests } from "./features/rollouts/synthetic-requests.ts";
import { createPlatformMetrics } from "./features/platform/platform-metrics.ts";
import { createRouteFeed, type RouteFeed } from "./features/route-feed/route-feed.ts";
import { createRoutePolicyApi } from "./features/routing/route-policy-api.ts";
import { createRoutingApi } from "./features/routing/routing-api.ts";
import { startFoldingCounts } from "./features/statistics/fold-counts.ts";
import { createStatisticsApi } from "./features/statistics/statistics-api.ts";
import { createTenantApi } from "./features/tenants/tenant-api.ts";
import { createRouteCaller } from "./route-caller.ts";
import { createRuntime } from "./runtime/runtime.ts";

export interface PlatformOptions {
  /** The control database; its schemas are created and brought up to date. */
  readonly databaseUrl: string;
  /** Where artifacts and module processes' state are kept. Only one process may use it at a time. */
  readonly dataFolder: string;
  /** Where backups are kept; `backups` in the data folder unless told. All control planes must reach it. */
  readonly backupFolder?: string | undefined;
  /** Whether `stop` leaves the processes of module versions to the next start in the data folder. */
  readonly keepProcesses?: boolean;
  /** A version that no tenant uses any more is stopped after so long; 60 unless told. */
  readonly idleSeconds?: number;
  /** The program's version, for `getStatus`. */
  readonly program: string;
  readonly log: Logger;
  /** Base URL of the API, once it is served; undefined where it is not. Processes follow flags there. */
  readonly apiUrl?: Promise<string>;
  /** Called when another process declared this one dead: it must end at once. */
  readonly lost: () => void;
}

/** What serving flags needs. */
export interface PlatformFlags {
  readonly database: ControlDatabase;
  readonly evaluators: FlagEvaluators;
  readonly versions: TenantVersions;
  readonly keys: FlagKeys;
  readonly usage: FlagUsageCounter;
}

/** The control plane without its HTTP side. */
export interface Platform {
  readonly service: MultiVersionService;
  readonly handlers: RouteHandlers;
  readonly feed: RouteFeed;
  readonly gateways: GatewayStore;
  readonly measurements: MeasurementStore;
  readonly flags: PlatformFlags;
  /** For Prometheus. */
  metrics(): Promise<Metric[]>;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Composes the platform and starts it. One at a time in a process: DBOS has one registry. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { databaseUrl, keepProcesses = false, idleSeconds = IDLE_SECONDS, program, log, lost } = options;
  await mkdir(options.dataFolder, { recursive: true, mode: 0o700 });
  const dataFolder = await realpath(options.dataFolder);
  const executor = { id: `cp_${randomBytes(6).toString("hex")}`, host: hostname(), home: dataFolder, pid: process.pid };
  const now = Date.now;
  const sleep = async (ms: number): Promise<void> => {
    await sleepFor(ms);
  };

  await checkDatabase(databaseUrl);
  await migrateControlSchema(databaseUrl);
  const session = sessionName(executor.id);
  const database = openControlDatabase(databaseUrl, session);
  const notifications = listenToDatabase(databaseUrl, session);
  const installation = await loadInstallation(database);
  // Of its own: however busy the others are, this process must be able to say that it lives.
  const lifeline = openControlDatabase(databaseUrl, session, 2);
  const executors = createExecutorStore(lifeline);
  await executors.register(executor);

  const troubled = (migrationId: string, step: string, error: unknown): void =>
    log.error({ migrationId, step, error }, "an operation met an error and tries again");

  const modules = createModuleReadModel(database);
  const gateways = createGatewayReadModel({ database, notifications, now });
  const flagKeys = createFlagKeys({ database, secret: installation.flagSecret, now });
  const driver = await createRuntime({ folder: join(dataFolder, "runtime"), log });
  const deployments = createDeployments({
    database,
    installation,
    modules,
    gateways,
    driver,
    log,
    executorId: executor.id,
    dataUrl: databaseUrl,
    idleSeconds,
    flagFeed: async ({ module, version }) =>
      options.apiUrl === undefined ? null : { url: await options.apiUrl, key: flagKeys.processKey(module, version) },
  });
  const probe = createTenantProbe({ modules, installation, now });
  const windows = createWindowReadModel(database);
  const backupFolder = openBackupFolder(options.backupFolder ?? join(dataFolder, "backups"));
  const store = createOperationStore({ database, modules, installation, now });
  const ledger = createMigrationLedger({
    database,
    sleep,
    platform: {
      installation: installation.id,
      modules,
      deployments,
      gateways,
      probe,
      windows,
      now,
      sleep,
      data: {
        pool: database.pool,
        url: databaseUrl,
        connect: () => connectTo(databaseUrl, session),
      },
      backups: { folder: backupFolder, key: installation.backupKey },
    },
    troubled,
  });
  const retention = createRetention({ database, folder: backupFolder, now });
  const workflow = createMigrationWorkflow({
    store,
    ledger,
    tidy: (pair) => retention.tidy(pair),
    now,
    sleep,
    troubled,
  });
  const migrations = createMigrationReadModel(database, notifications);
  const migrationLog = createMigrationLog(database, notifications);
  const publishModule = createModulePublisher(database);

  const partitions = createMeasurementPartitions(database);
  const measurements = createMeasurementStore({ database, partitions, keep: MEASUREMENT_KEEP, now });
  const performance = createPerformanceReadModel({ database, now });
  const performanceApi = createPerformanceApi({ database, modules, performance, now });

  await startDurableWork({ url: databaseUrl, executorId: executor.id, log });
  const life = startExecutorLife({
    executor,
    store: executors,
    takeOver: (executors) => workflow.takeOver(executors),
    lost,
    log,
  });

  const retentionUpkeep = startRetentionUpkeep({ database, retention, log });
  const upkeep = startMeasurementUpkeep({ database, partitions, keep: MEASUREMENT_KEEP, now, log });
  const folding = startFoldingCounts({ database, log });
  const sampler = startUsageSampler({ driver, store: measurements, log });
  const looker = createRolloutLooker({
    database,
    windows,
    metrics: createCustomMetrics(),
    gates: createGates({ now }),
    synthetic: createSyntheticRequests({ database, installation, now }),
    now,
  });
  const rollouts = createRolloutApi({ database, modules, looker, now });
  const rolloutEngine = startRolloutEngine({ database, looker, log, now });

  const controls = createOperationControls(database);
  const fleetWorker = createFleetWorker({
    database,
    looker: createFleetLooker({ database, windows: createGroupWindowReadModel(database), now }),
    departures: createDepartures({
      database,
      startOperation: async (...operation) => workflow.start(await store.begin(...operation)),
      now,
    }),
    cancelOperation: (migrationId) => controls.cancel(migrationId),
    executorId: executor.id,
    log,
    now,
  });
  const fleetEngine = startFleetEngine({ notifications, worker: fleetWorker, log });
  const noticeSender = startNoticeSender({ database, log, now });
  const flags: PlatformFlags = {
    database,
    evaluators: createFlagEvaluators({ database, notifications, log }),
    versions: createTenantVersions({ database, notifications, now }),
    keys: flagKeys,
    usage: createFlagUsageCounter({ database, log }),
  };

  const health = createHealthApi({ database, modules, gateways, probe });
  const handlers: RouteHandlers = {
    ...rollouts.handlers,
    ...createFlagRolloutApi({ database, looker, now }),
    ...createFleetApi({ database, modules, now }),
    ...createModuleApi({ database, modules }),
    ...createTenantApi({ database, gateways }),
    ...createRoutingApi({ database, gateways, rollouts, now }),
    ...createRoutePolicyApi({ database, gateways, testerKey: installation.testerKey, now }),
    ...health,
    ...createMigrationApi({
      database,
      validate: createMigrationValidator({
        database,
        modules,
        deployments,
        checkHealth: (tenant, module) =>
          health.performHealthCheck({ params: { tenant, module }, query: {}, body: undefined }),
        data: { pool: database.pool, url: databaseUrl },
        now,
      }),
      store,
      controls,
      workflow,
      migrations,
      log: migrationLog,
    }),
    ...createBackupApi({ database, folder: backupFolder, key: installation.backupKey }),
    ...createRetentionApi({ database, modules, retention }),
    ...createCustomizationApi({ database, modules }),
    ...createFlagApi({ ...flags, modules, now }),
    ...performanceApi.handlers,
    ...createStatisticsApi({ database, modules, now }),
    ...createCleanupApi({ database, now }),
    ...createFreezeApi({ database, now }),
    ...createPlatformApi({ database, gateways, modules, deployments, program, now }),
  };
  const feed = createRouteFeed({
    database,
    notifications,
    contextKeyOf: (module, version) => installation.contextKey(module, version),
    feedId: installation.feed,
    testerKey: installation.testerKey,
  });

  return {
    handlers,
    feed,
    measurements,
    flags,
    gateways: createGatewayStore(database),
    service: composeService({
      call: createRouteCaller(handlers),
      publish: (archive) => publishModule(Buffer.from(archive)),
      watchMigration: (migrationId, signal) => migrations.watch(migrationId, signal),
      watchMigrationLog: (migrationId, after, signal) => migrationLog.watch(migrationId, after, signal),
      watchFleetUpgrade: (fleetUpgradeId, signal) => watchFleet(database, notifications, fleetUpgradeId, signal),
      monitor: (query, signal) => performanceApi.monitor(query, signal),
    }),
    metrics: createPlatformMetrics({ database, gateways }),
    isReady: () =>
      database.pool.query("select 1").then(
        () => true,
        () => false,
      ),
    async stop() {
      await sampler.close();
      await upkeep.close();
      await retentionUpkeep.close();
      await folding.close();
      await flags.usage.close();
      await flags.evaluators.close();
      flags.versions.close();
      await rolloutEngine.stop();
      await fleetEngine.stop();
      await noticeSender.stop();
      await stopDurableWork();
      await deployments.close({ keepProcesses });
      await life.leave();
      await feed.close();
      await notifications.close();
      await lifeline.close();
      await database.close();
    },
  };
}
