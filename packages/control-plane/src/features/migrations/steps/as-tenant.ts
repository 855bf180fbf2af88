import {
  allowTenantLogin,
  connectAsTenant,
  denyTenantLogin,
  endTenantSessions,
  type SessionWatcher,
  type TenantSession,
  watchSession,
} from "@aibos/tenant-data";
import type { ControlTransaction } from "../../../db/control-database.ts";
import type { StepRun } from "../migration-step.ts";

/**
 * Works on a tenant's data on a session of the tenant's own, in transactions of its own. Two processes never do at once:
 * to log in as the tenant takes a password that is made behind the fence and makes every older one useless, and sessions
 * that are left over are ended before anything is done.
 *
 * @param options.prepare what is done behind the fence when nobody else can be at it any more
 * @param options.watcher hears of what is run
 */
export async function asTenant<With, T>(
  run: StepRun<With>,
  work: (session: TenantSession) => Promise<T>,
  options: { prepare?: (tx: ControlTransaction) => Promise<void>; watcher?: SessionWatcher } = {},
): Promise<T> {
  const { role, schema, platform } = run;
  const { pool, url } = platform.data;
  await run.fenced(({ client }) => denyTenantLogin(client, role));
  await endTenantSessions(pool, role);
  const password = await run.fenced(async (tx) => {
    await options.prepare?.(tx);
    return allowTenantLogin(tx.client, role);
  });
  try {
    await using session = await connectAsTenant({ platform: pool, url, place: { role, schema }, password });
    await watchSession(session, {
      statement: ({ sql, ms }) => run.log.statement(sql, ms),
      notice: (message) => run.log.line("notice", message),
      ...options.watcher,
    });
    return await work(session);
  } finally {
    // Behind the fence: another process may be working on a session of its own by now.
    await run.fenced(({ client }) => denyTenantLogin(client, role)).catch(() => undefined);
  }
}
