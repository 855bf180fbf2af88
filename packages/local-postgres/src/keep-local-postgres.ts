import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type LocalPostgres, type LocalPostgresOptions, startLocalPostgres } from "./local-postgres.ts";
import { findPostmaster } from "./postmaster.ts";

const LOOK_MS = 500;
const RETRY_MS = 2_000;

/**
 * Starts PostgreSQL as {@link startLocalPostgres} does, and starts it again at the same address when it ends by itself
 * or is killed. Until then connections are refused, which clients take for a server that is away.
 *
 * @throws as `startLocalPostgres`; a start later on that fails is logged and tried again
 */
export async function keepLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const { folder, log = () => undefined } = options;
  let running = await startLocalPostgres(options);
  const stopping = new AbortController();

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted || (await findPostmaster(join(folder, "data"))) !== undefined) continue;
      log("PostgreSQL has ended; starting it again");
      try {
        running = await startLocalPostgres({ ...options, port: running.port });
      } catch (error) {
        log(`PostgreSQL could not be started again: ${error instanceof Error ? error.message : String(error)}`);
        await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }
  const watching = watch();

  return {
    ...running,
    get pid() {
      return running.pid;
    },
    async stop() {
      stopping.abort();
      await watching;
      await running.stop();
    },
  };
}
