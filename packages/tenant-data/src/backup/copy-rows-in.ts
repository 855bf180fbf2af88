import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ClientBase } from "pg";
import { from } from "pg-copy-streams";
import { quoteIdentifier } from "../quote-identifier.ts";
import { PIECE_BYTES } from "./backup-format.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import { copyTarget } from "./copy-rows-out.ts";
import { asOwner, type DefinitionPlace } from "./run-definitions.ts";

type Table = BackupManifest["tables"][number];

/** Where rows wait that code of the backup must see first. */
const WAITING_ROOM = "aibos_restore_rows";

/**
 * Puts rows into a table that was made in this transaction, as the owner, who must be the session's role at the moment.
 * A table on which functions of the backup's own run for each row gets them from another table, inside a function where
 * nobody can change the role.
 */
export async function copyRowsIn(
  client: ClientBase,
  place: DefinitionPlace,
  { table, runsCode }: { table: Table; runsCode: boolean },
  pieces: AsyncIterable<Buffer>,
): Promise<{ rows: number }> {
  const target = copyTarget(place.schema, table);
  if (!runsCode) return { rows: await copyIn(client, target, pieces) };
  const types = await columnTypes(client, place.schema, table);
  const room = `${quoteIdentifier(place.schema)}.${WAITING_ROOM}`;
  return asOwner(client, place, async (runner) => {
    const columns = types.map((_, index) => `c${index} text`).join(", ");
    await client.query(`create unlogged table ${room} (${columns})`);
    const rows = await copyIn(client, room, pieces);
    const values = types.map((type, index) => `c${index}::${type}`).join(", ");
    const statement = `insert into ${target} overriding system value select ${values} from ${room}`;
    await client.query(`select ${runner}($1)`, [[statement]]);
    await client.query(`drop table ${room}`);
    return { rows };
  });
}

async function copyIn(client: ClientBase, target: string, pieces: AsyncIterable<Buffer>): Promise<number> {
  // Frozen: the table is this transaction's own, so nobody can see its rows too early.
  const stream = client.query(from(`copy ${target} from stdin (freeze)`, { highWaterMark: PIECE_BYTES }));
  await pipeline(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }), stream);
  return stream.rowCount;
}

/**
 * Tables for whose rows functions of the schema's own may run: in generated columns, in checks of domains and bounds of
 * ranges, and in keys of partitions.
 */
export async function tablesRunningCode(client: ClientBase, schema: string): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r'
       and exists (select from pg_proc p where p.pronamespace = n.oid
         and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
           and d.deptype = 'i'))
       and (c.relispartition or exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           and (a.attgenerated <> '' or (t.typnamespace = n.oid and t.typtype <> 'e'))))`,
    [schema],
  );
  return new Set(rows.map(({ name }) => name));
}

async function columnTypes(client: ClientBase, schema: string, table: Table): Promise<string[]> {
  const { rows } = await client.query<{ type: string }>(
    `select format_type(a.atttypid, a.atttypmod) as type from unnest($3::text[]) with ordinality as s (name, position)
       join pg_attribute a on a.attname = s.name and a.attnum > 0
       join pg_class c on c.oid = a.attrelid and c.relname = $2
       join pg_namespace n on n.oid = c.relnamespace and n.nspname = $1
     order by s.position`,
    [schema, table.name, table.columns],
  );
  return rows.map(({ type }) => type);
}
