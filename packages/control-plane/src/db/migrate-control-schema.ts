import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { SchemaNewerError } from "./schema-newer-error.ts";

const FOLDER = fileURLToPath(new URL("./migrations/", import.meta.url));
/** Any constant that no other program is likely to use. */
const LOCK_KEY = 4_116_271_881;

/**
 * Brings schema `aibos` up to this program, one transaction for all that is missing. Processes that start together
 * take turns.
 *
 * @throws SchemaNewerError when a newer program wrote the database
 */
export async function migrateControlSchema(url: string): Promise<void> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith(".sql")).sort();
  const client = new pg.Client({ connectionString: url, application_name: "aibos/schema" });
  await client.connect();
  try {
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock($1)", [LOCK_KEY]);
    await client.query("create schema if not exists aibos");
    await client.query("set local search_path to aibos, pg_catalog");
    await client.query(
      `create table if not exists schema_migrations (
         number integer primary key, name text not null, applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ newest: number | null }>(
      "select max(number) as newest from schema_migrations",
    );
    const applied = rows[0]?.newest ?? 0;
    if (applied > files.length) throw new SchemaNewerError(applied, files.length);
    for (const [index, file] of files.entries()) {
      const number = index + 1;
      if (number <= applied) continue;
      await client.query(await readFile(FOLDER + file, "utf8"));
      await client.query("insert into schema_migrations (number, name) values ($1, $2)", [number, file]);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    await client.end();
  }
}
