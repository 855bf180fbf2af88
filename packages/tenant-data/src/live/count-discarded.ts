import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { LiveVersion } from "./live-version.ts";

/** Rows whose table, or whose value in a column, only versions that go could hold. */
export interface DiscardedValues {
  readonly table: string;
  /** Undefined when the whole table goes. */
  readonly column?: string;
  readonly rows: number;
}

/** Counts what rolling a version back discards, because no older version has a place for it. */
export async function countDiscarded(
  client: ClientBase,
  schema: string,
  versions: readonly LiveVersion[],
  version: LiveVersion,
): Promise<DiscardedValues[]> {
  const older = versions.filter(({ position }) => position < version.position);
  const known = new Set(older.flatMap(({ model }) => model.tables.map(({ relation }) => relation)));
  const columns = new Set(
    older.flatMap(({ model }) =>
      model.tables.flatMap(({ relation, columns: all }) => all.map(({ column }) => JSON.stringify([relation, column]))),
    ),
  );
  const replaced = new Set(
    versions.flatMap(({ replacements }) => replacements.map(({ relation, to }) => JSON.stringify([relation, to]))),
  );
  const converted = new Set(
    versions.flatMap(({ links }) =>
      links.flatMap(({ relation, up }) => up.map(({ column }) => JSON.stringify([relation, column]))),
    ),
  );
  const discarded = new Map<string, DiscardedValues>();
  for (const { model } of versions.filter(({ position }) => position >= version.position)) {
    for (const { name, relation, columns: all } of model.tables) {
      const table = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
      if (!known.has(relation)) {
        const rows = await countRows(client, `select count(*) as rows from ${table}`);
        if (rows > 0) discarded.set(relation, { table: name, rows });
        continue;
      }
      for (const { name: column, column: physical } of all) {
        const key = JSON.stringify([relation, physical]);
        if (columns.has(key) || replaced.has(key) || converted.has(key)) continue;
        const own = quoteIdentifier(physical);
        const usual = await defaultOf(client, table, physical);
        const rows = await countRows(
          client,
          `select count(*) as rows from ${table} where ${own} is distinct from ${usual ?? "null"}`,
        );
        if (rows > 0) discarded.set(key, { table: name, column, rows });
      }
    }
  }
  return [...discarded.values()];
}

async function countRows(client: ClientBase, sql: string): Promise<number> {
  const { rows } = await client.query<{ rows: string }>(sql);
  return Number(rows[0]?.rows ?? 0);
}

async function defaultOf(client: ClientBase, table: string, column: string): Promise<string | null> {
  const { rows } = await client.query<{ expression: string | null }>(
    `select '(' || pg_get_expr(d.adbin, d.adrelid) || ')::' || format_type(a.atttypid, a.atttypmod) as expression
     from pg_attribute a
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = $1::regclass and a.attname = $2`,
    [table, column],
  );
  const expression = rows[0]?.expression ?? null;
  return expression?.includes("nextval(") === true ? null : expression;
}
