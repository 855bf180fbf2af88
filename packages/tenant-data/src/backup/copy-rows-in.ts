import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ClientBase } from "pg";
import { from } from "pg-copy-streams";
import { quoteIdentifier } from "../quote-identifier.ts";
import { withSettings } from "../with-settings.ts";
import { PIECE_BYTES } from "./backup-format.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import { copyTarget } from "./copy-rows-out.ts";
import { asOwner, type DefinitionPlace } from "./run-definitions.ts";

type Table = BackupManifest["tables"][number];

/** Where rows wait that code of the backup must see first. */
const WAITING_ROOM = "aibos_restore_rows";

/**
 * Puts rows into a table that was made in this transaction, as the owner. A table on which functions of the backup's own
 * run for each row gets them from another table, inside a function where nobody can change the role.
 */
export async function copyRowsIn(
  client: ClientBase,
  { schema, owner }: DefinitionPlace,
  table: Table,
  pieces: AsyncIterable<Buffer>,
): Promise<{ rows: number }> {
  const target = copyTarget(schema, table);
  if (!(await runsCode(client, schema, table.name))) {
    return { rows: await copyIn(client, owner, target, pieces) };
  }
  const types = await columnTypes(client, schema, table);
  const room = `${quoteIdentifier(schema)}.${WAITING_ROOM}`;
  return asOwner(client, { schema, owner }, async (runner) => {
    const columns = types.map((_, index) => `c${index} text`).join(", ");
    await client.query(`create unlogged table ${room} (${columns})`);
    const rows = await copyIn(client, owner, room, pieces);
    const values = types.map((type, index) => `c${index}::${type}`).join(", ");
    const statement = `insert into ${target} overriding system value select ${values} from ${room}`;
    await client.query(`select ${runner}($1)`, [statement]);
    await client.query(`drop table ${room}`);
    return { rows };
  });
}

async function copyIn(
  client: ClientBase,
  owner: string,
  target: string,
  pieces: AsyncIterable<Buffer>,
): Promise<number> {
  return withSettings(client, { role: owner }, async () => {
    // Frozen: the table is this transaction's own, so nobody can see its rows too early.
    const stream = client.query(from(`copy ${target} from stdin (freeze)`, { highWaterMark: PIECE_BYTES }));
    await pipeline(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }), stream);
    return stream.rowCount;
  });
}

/**
 * Whether functions of the schema's own may run when a row comes: in generated columns, in checks of domains and bounds
 * of ranges, and in keys of partitions.
 */
async function runsCode(client: ClientBase, schema: string, table: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2
       and exists (select from pg_proc p where p.pronamespace = n.oid and p.proname <> 'aibos_run_definition'
         and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
           and d.deptype = 'i'))
       and (c.relispartition or exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           and (a.attgenerated <> '' or (t.typnamespace = n.oid and t.typtype <> 'e'))))`,
    [schema, table],
  );
  return rowCount === 1;
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
