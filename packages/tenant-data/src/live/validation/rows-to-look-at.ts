import type { ClientBase } from "pg";
import { quoteIdentifier } from "../../quote-identifier.ts";
import { leavesOf } from "../backfill.ts";

/** A part of a table: rows of itself or of one of its partitions that a condition on their place picks. */
export interface RowRange {
  /** In SQL. */
  readonly leaf: string;
  /** Blocks, the first one and the one after the last. */
  readonly from: number;
  readonly to: number;
}

export interface RowsToLookAt {
  readonly ranges: readonly RowRange[];
  readonly sampled: boolean;
  /** An estimate of the server's. */
  readonly rows: number;
}

/** Parts that a sample has at most, spread over the table. */
const PARTS = 32;

/** All rows of a table, or, when it has more than a number, a sample: blocks spread evenly from the first to the last. */
export async function rowsToLookAt(
  client: ClientBase,
  schema: string,
  relation: string,
  { rowLimit, sampleRows }: { rowLimit: number; sampleRows: number },
): Promise<RowsToLookAt> {
  const leaves = await leavesOf(client, schema, relation);
  const rows = await estimateRows(client, `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`);
  const whole = leaves.flatMap(({ name, blocks }) => (blocks === 0 ? [] : [{ leaf: name, from: 0, to: blocks }]));
  if (rows <= rowLimit) return { ranges: whole, sampled: false, rows };
  const blocks = whole.reduce((sum, { to }) => sum + to, 0);
  const wanted = Math.max(1, Math.ceil((blocks * sampleRows) / rows));
  const parts = Math.min(PARTS, wanted);
  const length = Math.ceil(wanted / parts);
  const ranges: RowRange[] = [];
  for (let part = 0; part < parts; part += 1) {
    let at = Math.floor(((blocks - length) * part) / Math.max(1, parts - 1));
    for (const { leaf, to } of whole) {
      if (at < to) {
        ranges.push({ leaf, from: Math.max(0, at), to: Math.min(to, at + length) });
        break;
      }
      at -= to;
    }
  }
  return { ranges, sampled: true, rows };
}

/** From the size of a table and what the server last saw in its blocks; nothing is read. */
async function estimateRows(client: ClientBase, table: string): Promise<number> {
  const { rows } = await client.query<{ rows: number }>(
    `select coalesce(sum(case when c.reltuples >= 0 and c.relpages > 0 then c.reltuples / c.relpages * b.blocks
         else b.blocks * 50 end), 0)::float8 as rows
     from (select relid from pg_partition_tree($1::regclass) where isleaf union select $1::regclass) t
       join pg_class c on c.oid = t.relid and c.relkind = 'r'
       cross join lateral (select pg_relation_size(c.oid) / current_setting('block_size')::int as blocks) b`,
    [table],
  );
  return Math.round(rows[0]?.rows ?? 0);
}
