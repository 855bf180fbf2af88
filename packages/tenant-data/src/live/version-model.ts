import type { ClientBase } from "pg";

/** How one version sees the data: its tables and columns, and where they are. */
export interface VersionModel {
  readonly tables: readonly TableModel[];
}

export interface TableModel {
  /** As the version calls it. */
  readonly name: string;
  /** As the table in the schema is called. */
  readonly relation: string;
  readonly columns: readonly ColumnModel[];
}

export interface ColumnModel {
  /** As the version calls it. */
  readonly name: string;
  /** As the table's column is called. */
  readonly column: string;
  /** The version's own default, an expression or null for none, where it differs from the table's. */
  readonly default?: string | null;
}

/** The engine's own tables in a schema; no version sees them. */
export const ENGINE_TABLES = ["aibos_migrations", "aibos_versions", "aibos_backfilled", "aibos_custom_fields"] as const;

/** Reads the model of a schema that has one live version: names are what they are. */
export async function readModel(client: ClientBase, schema: string): Promise<VersionModel> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select c.relname as name, coalesce(array_agg(a.attname::text order by a.attnum) filter (where a.attnum > 0), '{}') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all ($2)
     group by c.oid, c.relname order by c.relname collate "C"`,
    [schema, ENGINE_TABLES],
  );
  return {
    tables: rows.map(({ name, columns }) => ({
      name,
      relation: name,
      columns: columns.map((column) => ({ name: column, column })),
    })),
  };
}

export function tableOf(model: VersionModel, name: string): TableModel | undefined {
  return model.tables.find((table) => table.name === name);
}
