import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { CopyUnsupportedError } from "../schema-copy/copy-unsupported-error.ts";
import { inPortableTransaction } from "./in-portable-transaction.ts";

/** The tables changed while they were being locked. */
class TablesChanged extends Error {}

const UNDEFINED_TABLE = "42P01";
const ATTEMPTS = 10;

/**
 * Runs work in one snapshot of a schema whose tables nobody can drop or change meanwhile; their rows go on being
 * written. The snapshot is taken after the locks, so that no definition changes between the two.
 */
export async function withSchemaSnapshot<T>(client: ClientBase, schema: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const tables = await listTables(client, schema);
    try {
      return await inPortableTransaction(client, { schema, lock: lockOf(schema, tables) }, async () => {
        if ((await listTables(client, schema)).join("\0") !== tables.join("\0")) throw new TablesChanged();
        return work();
      });
    } catch (error) {
      const gone = error instanceof DatabaseError && error.code === UNDEFINED_TABLE;
      if (!gone && !(error instanceof TablesChanged)) throw error;
      if (attempt < ATTEMPTS) continue;
      throw new CopyUnsupportedError(schema, ["its tables were made or dropped whenever it was looked at"], {
        cause: error,
      });
    }
  }
}

/** Against changes of definitions only: it waits for nobody's rows, and nobody who writes rows waits for it. */
function lockOf(schema: string, tables: readonly string[]): string {
  if (tables.length === 0) return "";
  const names = tables.map((name) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  return `lock table ${names.join(", ")} in access share mode`;
}

async function listTables(client: ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') order by c.relname collate "C"`,
    [schema],
  );
  return rows.map(({ name }) => name);
}
