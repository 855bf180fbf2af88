import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { LiveVersion } from "./live-version.ts";
import { viewSchemaName } from "./version-views.ts";

/**
 * Takes the exclusive locks that a change needs before it begins, in the order in which users take theirs: the views
 * that they write through before the tables, and tables with foreign keys before those that they refer to. Taken as they
 * come, each would wait for the other.
 *
 * @param through versions whose views go, the one that is written through most first
 */
export async function lockTablesInOrder(
  client: ClientBase,
  schema: string,
  relations: readonly string[],
  through: readonly LiveVersion[] = [],
): Promise<void> {
  for (const relation of await referencingFirst(client, schema, relations)) {
    for (const { version, model } of through) {
      const view = model.tables.find((table) => table.relation === relation)?.name;
      if (view === undefined) continue;
      const name = `${quoteIdentifier(viewSchemaName(schema, version))}.${quoteIdentifier(view)}`;
      const { rows } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [name]);
      // Its table is locked with it.
      if (rows[0]?.there === true) await client.query(`lock table ${name} in access exclusive mode`);
    }
    await client.query(`lock table ${quoteIdentifier(schema)}.${quoteIdentifier(relation)} in access exclusive mode`);
  }
}

async function referencingFirst(
  client: ClientBase,
  schema: string,
  relations: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ from: string; to: string }>(
    `select c.relname as from, r.relname as to from pg_constraint k join pg_class c on c.oid = k.conrelid
       join pg_class r on r.oid = k.confrelid join pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'f' and n.nspname = $1 and r.relnamespace = n.oid and c.oid <> r.oid`,
    [schema],
  );
  const there = new Set(await present(client, schema, relations));
  const ordered: string[] = [];
  const seen = new Set<string>();
  const visit = (relation: string): void => {
    if (seen.has(relation)) return;
    seen.add(relation);
    for (const { from, to } of rows) if (to === relation && there.has(from)) visit(from);
    ordered.push(relation);
  };
  for (const relation of there) visit(relation);
  return ordered;
}

async function present(client: ClientBase, schema: string, relations: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = any ($2) and c.relkind in ('r', 'p') order by 1`,
    [schema, relations],
  );
  return rows.map(({ name }) => name);
}
