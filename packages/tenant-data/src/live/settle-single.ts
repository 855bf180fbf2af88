import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { CUSTOM_FIELDS_TABLE, readCustomFields } from "../custom-fields/custom-fields.ts";
import { dropLiveTable } from "./live-store.ts";
import type { LiveVersion } from "./live-version.ts";
import { runTask } from "./run-task.ts";
import { replaceTriggers } from "./sync-trigger.ts";
import { dropVersionSchema } from "./version-views.ts";

/** One version is left: its names become those of the tables, and everything that several needed goes. */
export async function settleSingle(client: ClientBase, schema: string, version: LiveVersion): Promise<void> {
  await dropVersionSchema(client, schema, version.version);
  await replaceTriggers(client, schema, []);
  const base = quoteIdentifier(schema);
  const fields = await readCustomFields(client, schema);
  const renamed = new Map<string, string>();
  const rename = async (
    kind: (name: string) => string,
    names: readonly (readonly [string, string])[],
  ): Promise<void> => {
    const changes = names.filter(([from, to]) => from !== to);
    const targets = new Set(changes.map(([, to]) => to));
    // What has a name that another one is to have makes room first.
    const between = new Map<string, string>();
    for (const [index, [from]] of changes.entries()) {
      if (!targets.has(from)) continue;
      between.set(from, `aibos_0_${index}`);
      await client.query(`${kind(from)} to ${quoteIdentifier(`aibos_0_${index}`)}`);
    }
    for (const [from, to] of changes)
      await client.query(`${kind(between.get(from) ?? from)} to ${quoteIdentifier(to)}`);
  };
  await rename(
    (name) => `alter table ${base}.${quoteIdentifier(name)} rename`,
    version.model.tables.map(({ relation, name }) => [relation, name]),
  );
  for (const { relation, name, columns } of version.model.tables) {
    renamed.set(relation, name);
    await renameParts(client, schema, relation, name);
    const table = `${base}.${quoteIdentifier(name)}`;
    await rename(
      (column) => `alter table ${table} rename column ${quoteIdentifier(column)}`,
      columns.map((column) => [column.column, column.name]),
    );
    for (const field of fields.get(relation) ?? []) {
      const column = columns.find((one) => one.column === field);
      await client.query(
        column === undefined
          ? `delete from ${base}.${CUSTOM_FIELDS_TABLE} where relation = $1 and column_name = $2`
          : `update ${base}.${CUSTOM_FIELDS_TABLE} set relation = $3, column_name = $4 where relation = $1 and column_name = $2`,
        column === undefined ? [relation, field] : [relation, field, name, column.name],
      );
    }
  }
  for (const task of version.renaming) {
    const here =
      task.do === "rename-constraint" ? { ...task, relation: renamed.get(task.relation) ?? task.relation } : task;
    await runTask(client, schema, here);
  }
  await nameNotNulls(client, schema);
  await dropLiveTable(client, schema);
}

/** What the server named after a table whose own name was only a passing one: its keys and sequences. */
async function renameParts(client: ClientBase, schema: string, from: string, to: string): Promise<void> {
  if (from === to || !/^aibos_[0-9]+_/.test(from)) return;
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(to)}`;
  const { rows } = await client.query<{ sequence: boolean; name: string }>(
    `select false as sequence, k.conname as name from pg_constraint k
     where k.conrelid = $1::regclass and k.contype <> 'n' and starts_with(k.conname, $2)
     union all select true, s.relname from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
     where d.classid = 'pg_class'::regclass and d.refobjid = $1::regclass and d.deptype in ('a', 'i')
       and starts_with(s.relname, $2)`,
    [table, `${from}_`],
  );
  for (const { sequence, name } of rows) {
    const wanted = quoteIdentifier(await freeName(client, schema, `${to}${name.slice(from.length)}`));
    await client.query(
      sequence
        ? `alter sequence ${quoteIdentifier(schema)}.${quoteIdentifier(name)} rename to ${wanted}`
        : `alter table ${table} rename constraint ${quoteIdentifier(name)} to ${wanted}`,
    );
  }
}

/** The name, or the next one with a number, as the server itself would choose it. */
async function freeName(client: ClientBase, schema: string, name: string): Promise<string> {
  for (let number = 0; ; number += 1) {
    const candidate = passableName(number === 0 ? name : `${name}${number}`);
    const { rowCount } = await client.query(
      "select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2",
      [schema, candidate],
    );
    if (rowCount === 0) return candidate;
  }
}

/** Since PostgreSQL 18 "not null" is a constraint, called after the column as it was called then. */
async function nameNotNulls(client: ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ relation: string; name: string; wanted: string }>(
    `select c.relname as relation, k.conname as name, a.attname as wanted from pg_constraint k
       join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
     where n.nspname = $1 and k.contype = 'n' and k.conname ~ 'aibos_[0-9]+_' and k.conislocal`,
    [schema],
  );
  for (const { relation, name, wanted } of rows) {
    const to = passableName(`${relation}_${wanted}_not_null`);
    await client.query(
      `alter table ${quoteIdentifier(schema)}.${quoteIdentifier(relation)} rename constraint ${quoteIdentifier(name)} to ${quoteIdentifier(to)}`,
    );
  }
}

/** Cut to what PostgreSQL can hold. */
function passableName(name: string): string {
  const bytes = Buffer.from(name, "utf8");
  return bytes.length <= 63
    ? name
    : bytes
        .subarray(0, 60)
        .toString("utf8")
        .replace(/\uFFFD+$/, "");
}
