import type { Leftover, RouteHandlers } from "@aibos/contract";
import { sql } from "kysely";
import { quoteIdentifier } from "@aibos/tenant-data";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { isLockTimeout } from "../../db/lost-connection.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import { lockTenantModule } from "../migrations/fence.ts";
import { findArtifacts, findRollbackCopies, findVersionViews, type Found, isNeededViews } from "./find-leftovers.ts";

/** So many leftovers are dealt with at once. */
const MOST = 1_000;
/** So long a leftover is waited for that somebody uses; it can go another time. */
const WAIT = "2s";

/**
 * Removes what nobody needs. Each leftover goes in a transaction of its own that looks again, behind the tenant's fence,
 * whether it still is one: whoever is killed, or comes by twice, leaves whole things or none.
 */
export function createCleanupApi(options: {
  database: ControlDatabase;
  now: () => number;
}): Pick<RouteHandlers, "cleanup"> {
  const { database, now } = options;
  const today = (): string => new Date(now()).toISOString().slice(0, 10);

  async function find(): Promise<Found[]> {
    return [
      ...(await findRollbackCopies(database.db, MOST + 1)),
      ...(await findVersionViews(database, MOST + 1)),
      ...(await findArtifacts(database, today(), MOST + 1)),
    ];
  }

  /** @returns why it is kept; null when it is gone */
  async function remove(found: Found): Promise<string | null> {
    try {
      return await database.transaction(async (tx) => {
        await tx.client.query("select set_config('lock_timeout', $1, true)", [WAIT]);
        return found.kind === "artifact" ? removeArtifact(tx, found, today()) : removeSchema(database, tx, found);
      });
    } catch (error) {
      if (isLockTimeout(error)) return "somebody is using it at the moment";
      throw error;
    }
  }

  return {
    async cleanup({ body: { dryRun } }) {
      const found = await find();
      const leftovers: Leftover[] = [];
      for (const one of found.slice(0, MOST)) {
        const { kind, name, tenant, module, bytes, why } = one;
        const keptBecause = dryRun ? null : await remove(one);
        const outcome = dryRun ? "found" : keptBecause === null ? "removed" : "kept";
        leftovers.push({ kind, name, tenant, module, bytes, why, outcome, keptBecause });
      }
      const bytes = leftovers.reduce((sum, one) => sum + (one.outcome === "kept" ? 0 : one.bytes), 0);
      return { dryRun, leftovers, bytes, more: found.length > MOST };
    },
  };
}

async function removeSchema(
  { pool }: ControlDatabase,
  tx: ControlTransaction,
  found: Exclude<Found, { kind: "artifact" }>,
): Promise<string | null> {
  const { name, tenant, module } = found;
  const fence = await lockTenantModule(tx, { tenant, module });
  if (fence?.migrationId != null) return `${fence.migrationId} is running`;
  if (found.kind === "version-views") {
    const { schema } = await readTenantModule(tx.db, tenant, module);
    if (await isNeededViews({ db: tx.db, pool }, { name, schema, tenant, module })) return "its version is live again";
  } else if (await isInUse(tx, name)) return "it is in use again";
  await tx.client.query(`drop schema if exists ${quoteIdentifier(name)} cascade`);
  return null;
}

async function isInUse({ db }: ControlTransaction, schema: string): Promise<boolean> {
  const { rows } = await sql`
    select from rollback_points where schema_name = ${schema} and state = 'available'
    union all select from tenant_modules where schema_name = ${schema}`.execute(db);
  return rows.length > 0;
}

async function removeArtifact(
  tx: ControlTransaction,
  { module, digest }: Extract<Found, { kind: "artifact" }>,
  today: string,
): Promise<string | null> {
  // Who publishes waits for this, and who begins an operation of the module is seen or finds the archive gone.
  await tx.db.selectFrom("modules").select("id").where("id", "=", module).forUpdate().execute();
  const [still] = await findArtifacts(tx, today, 1, digest);
  if (still === undefined) return "somebody may need it again";
  await tx.db
    .updateTable("artifacts")
    .set({ content: null, removed_at: sql<Date>`clock_timestamp()` })
    .where("digest", "=", digest)
    .execute();
  return null;
}
