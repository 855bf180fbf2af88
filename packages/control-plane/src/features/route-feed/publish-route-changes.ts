import { sql } from "kysely";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { StoredRouteChange } from "../../db/control-tables.ts";

/**
 * Adds one revision to the route feed, in the caller's transaction: gateways learn of the changes if and when it
 * commits. From here to the commit other writers of routes wait, so call it late. `readChanges` is called when the
 * others have committed: what it reads can't be older than what they published.
 *
 * @returns the revision
 */
export async function publishRouteChanges(
  { db }: ControlTransaction,
  readChanges: () => Promise<StoredRouteChange[]> | StoredRouteChange[],
): Promise<number> {
  const { revision } = await db
    .updateTable("route_head")
    .set((eb) => ({ revision: eb("revision", "+", 1) }))
    .returning("revision")
    .executeTakeFirstOrThrow();
  await db
    .insertInto("route_changes")
    .values({ revision, changes: JSON.stringify(await readChanges()) })
    .execute();
  await sql`select pg_notify('aibos_routes', ${String(revision)})`.execute(db);
  return revision;
}

/** Forgets all but the newest changes, of which one stays at least. A gateway that is further behind gets a snapshot. */
export async function pruneRouteChanges(db: ControlTransaction["db"], keep = 10_000): Promise<void> {
  await db
    .deleteFrom("route_changes")
    .where("revision", "<=", (eb) =>
      eb.selectFrom("route_head").select((head) => head("revision", "-", Math.max(1, keep)).as("oldest")),
    )
    .execute();
}
