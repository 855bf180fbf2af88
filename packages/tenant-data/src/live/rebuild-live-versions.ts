import type { ClientBase } from "pg";
import { asOwner } from "../backup/run-definitions.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { backfillPolicyStatements, dropPolicyStatements } from "./backfill-policy.ts";
import { checkLiveState, LiveStateUnreadable } from "./check-live-state.ts";
import { LIVE_TABLE, readLiveVersions } from "./live-store.ts";
import type { LiveVersion } from "./live-version.ts";
import { lockTablesInOrder } from "./lock-tables-in-order.ts";
import { triggerStatements } from "./sync-trigger.ts";
import { dropVersionSchema, viewSchemaName, viewStatements } from "./version-views.ts";

/**
 * Makes anew what the live versions of a schema are derived from their state: views in schemas of their own, triggers
 * with their functions, and the policies that a backfill under way needs. In the caller's transaction; the session's
 * role makes the view schemas, and all else is run with the rights of the schema's owner alone, whatever the state says.
 *
 * @throws LiveStateUnreadable, which nothing but another hand on the state can cause
 */
export async function rebuildLiveVersions(client: ClientBase, schema: string): Promise<void> {
  const versions = await readState(client, schema);
  if (versions.length === 0) return;
  const owner = await ownerOf(client, schema);
  const active = versions.filter(({ phase }) => phase === "active");
  const statements: string[] = [];
  for (const { version, model } of active)
    statements.push(...(await viewStatements(client, { schema, version, model })));
  statements.push(...(await triggerStatements(client, schema, versions)));
  for (const version of versions) {
    if (version.phase === "expanding") statements.push(...(await backfillPolicyStatements(client, schema, version)));
  }
  for (const { version } of versions) {
    const name = quoteIdentifier(viewSchemaName(schema, version));
    await client.query(`create schema if not exists ${name} authorization ${quoteIdentifier(owner)}`);
  }
  await asOwner(client, { schema, owner }, async (runner) => {
    await client.query(`select ${runner}($1)`, [statements]);
  });
}

/**
 * Takes away what is derived from the live versions of a schema that another takes the place of, in the caller's
 * transaction. Their state stays, from which all of it can be made anew.
 */
export async function takeLiveVersionsDown(client: ClientBase, schema: string): Promise<void> {
  const versions = await readState(client, schema);
  if (versions.length === 0) return;
  const owner = await ownerOf(client, schema);
  const relations = new Set(versions.flatMap(({ model }) => model.tables.map(({ relation }) => relation)));
  await lockTablesInOrder(client, schema, [...relations], versions.toReversed());
  for (const { version } of versions) await dropVersionSchema(client, schema, version);
  const statements = [
    ...(await triggerStatements(client, schema, [])),
    ...(await dropPolicyStatements(client, schema)),
  ];
  await asOwner(client, { schema, owner }, async (runner) => {
    await client.query(`select ${runner}($1)`, [statements]);
  });
}

/**
 * Reads the state as one that its owner may have laid as a trap: reading it must run none of the owner's code as the
 * session's role, as a view or a policy would.
 */
async function readState(client: ClientBase, schema: string): Promise<LiveVersion[]> {
  const table = `${quoteIdentifier(schema)}.${LIVE_TABLE}`;
  const { rows } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [table]);
  if (rows[0]?.there !== true) return [];
  // It can't become another thing from here on.
  await client.query(`lock table ${table} in access share mode`);
  const { rowCount } = await client.query(
    "select from pg_class where oid = to_regclass($1) and relkind = 'r' and not relrowsecurity",
    [table],
  );
  if (rowCount === 0) throw new LiveStateUnreadable("it is no plain table");
  const versions = await readLiveVersions(client, schema);
  await checkLiveState(versions);
  return versions;
}

async function ownerOf(client: ClientBase, schema: string): Promise<string> {
  const { rows } = await client.query<{ owner: string }>(
    "select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = $1",
    [schema],
  );
  const [row] = rows;
  if (row === undefined) throw new RangeError(`There is no schema ${schema}.`);
  return row.owner;
}
