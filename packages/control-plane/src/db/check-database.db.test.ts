import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { checkDatabase } from "./check-database.ts";
import { DatabaseUnusableError } from "./database-unusable-error.ts";
import { migrateControlSchema } from "./migrate-control-schema.ts";
import { SchemaNewerError } from "./schema-newer-error.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function asSuperuser(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

test("an owner who may create roles is enough", async () => {
  await expect(checkDatabase(database.url)).resolves.toBeUndefined();
});

test("an address where nothing answers is told without the password", async () => {
  const checking = checkDatabase("postgresql://ada:secret@127.0.0.1:1/books");
  await expect(checking).rejects.toThrow(DatabaseUnusableError);
  await expect(checking).rejects.toThrow(
    /^The database "books" at 127\.0\.0\.1:1 \(as "ada"\) can't be used: .*ECONNREFUSED/,
  );
  await expect(checking).rejects.not.toThrow(/secret/);
});

test("a wrong password is told as one", async () => {
  const url = new URL(database.url);
  url.password = "wrong";
  await expect(checkDatabase(url.href)).rejects.toThrow(/password authentication failed.*Check DATABASE_URL/);
});

test("a role without the rights is told the statement that gives them", async () => {
  await asSuperuser(`alter role ${database.name} nocreaterole`);
  await expect(checkDatabase(database.url)).rejects.toThrow(`alter role "${database.name}" createrole;`);
  await asSuperuser(`alter role ${database.name} createrole`);
  const other = await createTestDatabase();
  try {
    const url = new URL(other.url);
    url.pathname = `/${database.name}`;
    await expect(checkDatabase(url.href)).rejects.toThrow(
      `grant create on database "${database.name}" to "${other.name}";`,
    );
  } finally {
    await other.drop();
  }
});

test("a control schema of a newer program is left alone", async () => {
  await migrateControlSchema(database.url);
  await migrateControlSchema(database.url);
  await asSuperuser("insert into aibos.schema_migrations (number, name) values (99, '099_future.sql')");
  const migrating = migrateControlSchema(database.url);
  await expect(migrating).rejects.toThrow(SchemaNewerError);
  await expect(migrating).rejects.toThrow(
    /The control database has schema version 99; this program knows versions up to \d+\. A newer AI-BOS Versions wrote it/,
  );
});

test("processes that start together create the control schema once", async () => {
  const fresh = await createTestDatabase();
  try {
    const starts = await Promise.allSettled([1, 2, 3, 4].map(() => migrateControlSchema(fresh.url)));
    expect(starts.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => "fulfilled"));
  } finally {
    await fresh.drop();
  }
});
