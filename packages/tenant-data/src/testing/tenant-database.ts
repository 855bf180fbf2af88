import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import pg from "pg";
import { provisionTenantSchema, type TenantPlace } from "../roles/tenant-schema.ts";
import { runSqlFile } from "../sql-migrations/run-sql-file.ts";

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
    given: (sql) => inTransaction(() => runSqlFile(client, place, { file: "given.sql", sql, checksum: "" })),
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
    },
  };
}
