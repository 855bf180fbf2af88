import pg from "pg";
import { DatabaseUnusableError } from "./database-unusable-error.ts";

const OLDEST_VERSION = 150_000;

/**
 * Finds out at the start what would otherwise fail in the middle of an operation.
 *
 * @throws DatabaseUnusableError that says what to do
 */
export async function checkDatabase(url: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "aibos/check",
    connectionTimeoutMillis: 10_000,
  });
  try {
    await client.connect();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const problem = `${reason}. Check DATABASE_URL, and that PostgreSQL runs there and lets this user in.`;
    throw new DatabaseUnusableError(url, problem, { cause: error });
  }
  try {
    const { rows } = await client.query<{ number: number; version: string; roles: boolean; schemas: boolean }>(
      `select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
         rolcreaterole or rolsuper as roles, has_database_privilege(current_database(), 'create') as schemas
       from pg_roles where rolname = current_user`,
    );
    const [facts] = rows;
    if (facts === undefined) return;
    const user = pg.escapeIdentifier(client.user ?? "");
    if (facts.number < OLDEST_VERSION) {
      throw new DatabaseUnusableError(url, `PostgreSQL ${facts.version} is too old; 15 or newer is needed.`);
    }
    if (!facts.roles) {
      const problem = `its role may not create roles, which every tenant's data needs. Allow it: alter role ${user} createrole;`;
      throw new DatabaseUnusableError(url, problem);
    }
    if (!facts.schemas) {
      const database = pg.escapeIdentifier(client.database ?? "");
      const problem = `its role may not create schemas. Allow it: grant create on database ${database} to ${user};`;
      throw new DatabaseUnusableError(url, problem);
    }
  } finally {
    await client.end();
  }
}
