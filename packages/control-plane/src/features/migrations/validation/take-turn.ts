import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { ValidationBusyError } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import { isLockTimeout } from "../../../db/lost-connection.ts";
import type { Turns } from "./turns.ts";

/** So long who looks waits for others who look at the same data, in milliseconds: each of them takes half as long at most. */
export const TURN_MS = 60_000;
/** So often it is looked whether another process is done. */
const POLL_MS = 250;

/**
 * A tenant's role has one session at a time: whoever comes later waits for a turn. Those of one process wait in memory,
 * with no connection; the first of them asks now and then whether another process has the turn.
 *
 * @throws ValidationBusyError when the turn did not come in time, or somebody kept what the work needs for too long
 */
export async function takeTurn<T>(
  { url, turns, waitMs = TURN_MS }: { url: string; turns: Turns; waitMs?: number },
  { tenant, module }: { tenant: TenantId; module: ModuleId },
  work: () => Promise<T>,
): Promise<T> {
  const until = performance.now() + waitMs;
  const key = `aibos validate ${tenant}/${module}`;
  let result: { value: T } | undefined;
  const came = await turns
    .take(key, waitMs, async () => {
      await using lock = await lockAmongProcesses(url, key, until);
      if (lock !== undefined) result = { value: await work() };
    })
    .catch((error: unknown) => {
      throw isLockTimeout(error) ? new ValidationBusyError(tenant, module, waitMs, { cause: error }) : error;
    });
  if (!came || result === undefined) throw new ValidationBusyError(tenant, module, waitMs);
  return result.value;
}

/** @returns undefined when another process has it until then */
async function lockAmongProcesses(url: string, key: string, until: number): Promise<AsyncDisposable | undefined> {
  for (;;) {
    const client = new pg.Client({ connectionString: url, application_name: "aibos/validate" });
    client.on("error", () => undefined);
    await client.connect();
    const { rows } = await client.query<{ granted: boolean }>(
      "select pg_try_advisory_lock(hashtextextended($1, 0)) as granted",
      [key],
    );
    if (rows[0]?.granted === true) return { [Symbol.asyncDispose]: () => client.end() };
    await client.end();
    if (performance.now() + POLL_MS > until) return undefined;
    await sleep(POLL_MS * (0.5 + Math.random()));
  }
}
