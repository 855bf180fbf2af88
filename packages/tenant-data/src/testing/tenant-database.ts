import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import pg from "pg";
import { provisionTenantSchema, type TenantPlace } from "../roles/tenant-schema.ts";
import { withTenantSession } from "../roles/tenant-session.ts";
import { ensureExtensions } from "../extensions/ensure-extensions.ts";
import { planSqlFile } from "../sql-migrations/plan-sql-file.ts";
import { runSqlFile } from "../sql-migrations/run-sql-file.ts";

const NO_RECORD = { begun: async () => undefined, finished: async () => undefined };

/** A fresh database in which the platform's session has made the schema of one tenant. */
export interface TenantDatabase extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly client: pg.Client;
  readonly place: TenantPlace;
  /** Commits what `work` did, or takes it back when it fails. */
  inTransaction<T>(work: () => Promise<T>): Promise<T>;
  /** Runs SQL as a migration would. */
  given(sql: string): Promise<void>;
}

export async function createTenantDatabase(schema = "t__acme__books"): Promise<TenantDatabase> {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  const place = { schema, role: `${database.name}_tenant` };
  await client.connect();
  await provisionTenantSchema(client, place);

  async function inTransaction<T>(work: () => Promise<T>): Promise<T> {
    await client.query("begin");
    try {
      const result = await work();
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback");
      throw error;
    }
  }
  return {
    database,
    client,
    place,
    inTransaction,
    async given(sql) {
      const plan = await planSqlFile({ file: "given.sql", sql, checksum: "" });
      await ensureExtensions(client, plan.extensions);
      await withTenantSession({ platform: client, url: database.url, place }, (session) =>
        runSqlFile(session, plan, NO_RECORD),
      );
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
    },
  };
}
