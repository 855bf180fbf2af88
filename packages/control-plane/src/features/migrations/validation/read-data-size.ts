import type { Queryable } from "@aibos/tenant-data";

export interface DataSize {
  /** As PostgreSQL's statistics estimate them; a table that was never analysed counts by its size. */
  readonly rows: number;
  /** On disk, indexes included. */
  readonly bytes: number;
}

/** Bytes that a row is taken for where nothing else is known. */
const ROW_BYTES = 100;

/** How much a tenant's schema holds, without reading its rows. */
export async function readDataSize(pool: Queryable, schema: string): Promise<DataSize> {
  const { rows } = await pool.query(
    `select coalesce(sum(case when c.reltuples >= 0 then c.reltuples else pg_relation_size(c.oid) / $2::int end), 0)
              ::bigint as rows,
            coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'm')`,
    [schema, ROW_BYTES],
  );
  const size: { rows?: unknown; bytes?: unknown } = rows[0] ?? {};
  return { rows: Number(size.rows ?? 0), bytes: Number(size.bytes ?? 0) };
}
