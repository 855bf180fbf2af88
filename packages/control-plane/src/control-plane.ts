import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { keepLocalPostgres, lockFolder } from "@aibos/local-postgres";
import type { ControlPlaneConfig } from "./config.ts";
import { createHttpApp } from "./http/app.ts";
import { createFlagListener } from "./http/flags/flag-listener.ts";
import { serveHttp } from "./http/serve-http.ts";
import { startPlatform } from "./platform.ts";
import { tokenOfFolder } from "./token-file.ts";

export interface ControlPlane {
  /** Base URL of the API. */
  readonly url: string;
  /** Where the token is kept; null when it was given from outside. */
  readonly tokenFile: string | null;
  stop(): Promise<void>;
}

/**
 * Starts a control-plane process: takes the data folder, starts or adopts its PostgreSQL unless another database was
 * named, then the platform, then the API. What was started is stopped again when a later part can't start.
 */
export async function startControlPlane(
  config: ControlPlaneConfig,
  parts: { log: Logger; program: string; lost: () => void },
): Promise<ControlPlane> {
  const { log, program, lost } = parts;
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) {
      await end().catch((error: unknown) => log.error({ error }, "a part did not stop in order"));
    }
  };

  try {
    await mkdir(config.dataFolder, { recursive: true, mode: 0o700 });
    const lock = await lockFolder(config.dataFolder);
    stops.push(() => lock.release());

    let { databaseUrl } = config;
    if (databaseUrl === undefined) {
      const postgres = await keepLocalPostgres({
        folder: join(config.dataFolder, "postgres"),
        ...(config.postgresPort === undefined ? {} : { port: config.postgresPort }),
        log: (line) => log.info({ part: "postgres" }, line),
      });
      stops.push(() => postgres.stop());
      databaseUrl = postgres.url;
    }

    const { token, file } =
      config.token === undefined ? await tokenOfFolder(config.dataFolder) : { token: config.token, file: null };
    const served = Promise.withResolvers<string>();
    const platform = await startPlatform({
      apiUrl: served.promise,
      databaseUrl,
      dataFolder: config.dataFolder,
      backupFolder: config.backupFolder,
      keepProcesses: config.keepProcesses,
      ...(config.idleSeconds === undefined ? {} : { idleSeconds: config.idleSeconds }),
      program,
      log,
      lost,
    });
    stops.push(() => platform.stop());

    const { service, handlers, feed, gateways, measurements } = platform;
    const app = createHttpApp({
      handlers,
      feed,
      token,
      isReady: () => platform.isReady(),
      metrics: () => platform.metrics(),
      log,
      publish: (archive) => service.publish(archive),
      watchMigration: (migrationId, signal) => service.watchMigration(migrationId, signal),
      watchMigrationLog: (migrationId, after, signal) =>
        service.watchMigrationLog(migrationId, { after, ...(signal && { signal }) }),
      watchFleetUpgrade: (fleetUpgradeId, signal) => service.watchFleetUpgrade(fleetUpgradeId, signal),
      monitor: ({ tenant, module, ...how }, signal) =>
        service.monitorVersionPerformance(tenant, module, { ...how, ...(signal && { signal }) }),
      recordReport: (report) => gateways.record(report),
      addMeasurements: (batch) => measurements.apply(batch),
    });
    const flags = createFlagListener({
      ...platform.flags,
      log,
      now: Date.now,
      requestsPerSecond: config.flagRequestsPerSecond,
    });
    const server = await serveHttp({ app, flags, host: config.host, port: config.port });
    stops.push(() => server.close());
    served.resolve(nearUrl(server.url));
    return { url: server.url, tokenFile: file, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An address for processes on this machine: one that listens everywhere is reached at loopback. */
function nearUrl(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}
