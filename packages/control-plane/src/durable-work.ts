import { DBOS } from "@dbos-inc/dbos-sdk";
import type { Logger } from "pino";

/** Unfinished work of another application version is not recovered: this stays the same until plans change meaning. */
const APPLICATION_VERSION = "1";
const SCHEMA = "aibos_dbos";
/** Work under way gets so long to come to an end at a stop; the rest is taken up at the next start. */
const STOP_MS = 5_000;

/** Starts DBOS on the control database. Every workflow must be registered before. */
export async function startDurableWork(options: { url: string; executorId: string; log: Logger }): Promise<void> {
  const { url, executorId, log } = options;
  DBOS.setConfig({
    name: "aibos-versions",
    systemDatabaseUrl: url,
    systemDatabaseSchemaName: SCHEMA,
    systemDatabasePoolSize: 8,
    applicationVersion: APPLICATION_VERSION,
    executorID: executorId,
    logger: {
      debug: (entry) => log.trace(String(entry)),
      info: (entry) => log.debug(String(entry)),
      warn: (entry) => log.warn(String(entry)),
      error: (entry, metadata) => log.error({ stack: metadata?.stack }, String(entry)),
    },
  });
  try {
    await DBOS.launch();
  } catch (error) {
    await stopDurableWork();
    throw error;
  }
}

/** Stops DBOS and forgets its workflows, so that this process may start it again. */
export async function stopDurableWork(): Promise<void> {
  await DBOS.shutdown({ workflowCompletionTimeoutMS: STOP_MS, deregister: true });
}
