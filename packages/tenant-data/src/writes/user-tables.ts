import type { ClientBase } from "pg";
import { LIVE_TABLE, readLiveVersions } from "../live/live-store.ts";
import { ENGINE_TABLES } from "../live/version-model.ts";
import { isNotOfExtension } from "../live-objects.ts";
import { quoteIdentifier } from "../quote-identifier.ts";

/** A column of a table's primary key. */
export interface KeyColumn {
  /** Its number in the table (`attnum`), which stays when it is renamed. */
  readonly number: number;
  readonly name: string;
  /** Its type's oid. */
  readonly type: number;
}

/** A table that users write to: its partitions are parts of it, tables that inherit from it are not. */
export interface UserTable {
  /** Its identity, which it keeps whatever it is called. */
  readonly oid: number;
  /** In the schema. */
  readonly relation: string;
  /** What the newest live version calls it; `relation` where there is one version. */
  readonly name: string;
  readonly partitioned: boolean;
  /** The tables that hold its rows: their names and oids. */
  readonly parts: readonly { readonly relation: string; readonly oid: number }[];
  /** Columns of its primary key in order; none without one. */
  readonly key: readonly KeyColumn[];
}

/** The tables of a schema that users write to, by name. */
export async function readUserTables(client: ClientBase, schema: string): Promise<UserTable[]> {
  const { rows } = await client.query<Omit<UserTable, "name">>(
    `select c.oid::bigint::float8 as oid, c.relname as relation, c.relkind = 'p' as partitioned,
       (select coalesce(jsonb_agg(jsonb_build_object('relation', p.relname, 'oid', p.oid::bigint)), '[]') from pg_class p
        where case c.relkind when 'r' then p.oid = c.oid
          else p.oid in (select t.relid from pg_partition_tree(c.oid) t where t.isleaf) end) as parts,
       (select coalesce(jsonb_agg(jsonb_build_object('number', a.attnum, 'name', a.attname, 'type', a.atttypid::bigint)
            order by k.position), '[]')
        from pg_index i cross join unnest(i.indkey) with ordinality as k (number, position)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
        where i.indrelid = c.oid and i.indisprimary and k.position <= i.indnkeyatts) as key
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all ($2)
       and ${isNotOfExtension("pg_class", "c.oid")}
     order by c.relname collate "C"`,
    [schema, ENGINE_TABLES],
  );
  const names = await versionsNames(client, schema);
  return rows.map((table) => ({ ...table, name: names.get(table.relation) ?? table.relation }));
}

/** Names by relation. The state is the tenant's: it is read only where reading it runs nobody's code. */
async function versionsNames(client: ClientBase, schema: string): Promise<ReadonlyMap<string, string>> {
  const { rowCount } = await client.query(
    "select from pg_class where oid = to_regclass($1) and relkind = 'r' and not relrowsecurity",
    [`${quoteIdentifier(schema)}.${LIVE_TABLE}`],
  );
  if (rowCount === 0) return new Map();
  const versions = await readLiveVersions(client, schema);
  return new Map(versions.flatMap(({ model }) => model.tables.map(({ relation, name }) => [relation, name] as const)));
}

/** A table to read from. */
export function rowsIn(schema: string, { relation, partitioned }: UserTable): string {
  return `${partitioned ? "" : "only "}${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
}
