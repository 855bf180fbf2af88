import pino, { type Logger } from "pino";
import type { MultiVersionService } from "@aibos/contract";
import { lockFolder } from "@aibos/local-postgres";
import manifest from "../package.json" with { type: "json" };
import { startPlatform } from "./platform.ts";

export interface MultiVersionServiceOptions {
  /** PostgreSQL URL of the control database. */
  databaseUrl: string;
  /** Folder for artifacts and module processes' state; nobody else may use it meanwhile. */
  dataFolder: string;
  /** Where backups are kept; `backups` in the data folder unless told. */
  backupFolder?: string;
  log?: Logger;
  /** Called when another control-plane process took this one's work over; nothing works any more after it. */
  lost?: () => void;
}

/** A service in this process, and how to stop it. */
export interface RunningMultiVersionService {
  readonly service: MultiVersionService;
  stop(): Promise<void>;
}

/**
 * Runs the platform in this process, without HTTP. One at a time in a process, because DBOS has one registry.
 *
 * @throws FolderInUseError, SchemaNewerError
 */
export async function createMultiVersionService(
  options: MultiVersionServiceOptions,
): Promise<RunningMultiVersionService> {
  const { databaseUrl, dataFolder, backupFolder, log = pino({ level: "silent" }), lost = () => undefined } = options;
  const lock = await lockFolder(dataFolder);
  try {
    const platform = await startPlatform({
      databaseUrl,
      dataFolder,
      backupFolder,
      program: manifest.version,
      log,
      lost,
    });
    return {
      service: platform.service,
      async stop() {
        await platform.stop();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
