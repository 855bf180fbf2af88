import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeDifference } from "../fingerprint/describe-difference.ts";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { provisionTenantSchema } from "../roles/tenant-schema.ts";
import { runSqlFile } from "../sql-migrations/run-sql-file.ts";
import { KITCHEN_SINK } from "../testing/kitchen-sink.ts";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";
import { createSchemaCopy, dropSchemaCopy } from "./create-schema-copy.ts";
import { restoreSchemaCopy } from "./restore-schema-copy.ts";

const schema = "t__acme__sink";
let database: TestDatabase;
let client: pg.Client;
let role: string;

beforeEach(async () => {
  database = await createTestDatabase();
  role = `${database.name}_tenant`;
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await provisionTenantSchema(client, { schema, role });
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

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

/** Runs SQL as a migration would. */
function given(sql: string): Promise<void> {
  return inTransaction(() => runSqlFile(client, { schema, role }, { file: "given.sql", sql, checksum: "" }));
}

function copyTo(copy: string) {
  return inTransaction(() => createSchemaCopy(client, { from: schema, to: copy }));
}

describe("a copy of a schema", () => {
  it("is the same in every object, row and sequence", async () => {
    await given(KITCHEN_SINK);
    const before = await inTransaction(() => fingerprintSchema(client, schema));
    const size = await copyTo("rp__1");
    const copy = await inTransaction(() => fingerprintSchema(client, "rp__1"));
    expect(describeDifference(before, copy)).toEqual([]);
    expect(copy.structure).toBe(before.structure);
    expect(copy.data).toBe(before.data);
    expect(size.rows).toBe(30 + 20 + 11 + 1);
    expect(size.tables).toBe(before.tables.length);
  });

  it("stands on its own: it goes on working when the original is gone", async () => {
    await given(KITCHEN_SINK);
    await copyTo("rp__1");
    await inTransaction(() => restoreSchemaCopy(client, { copy: "rp__1", schema }));
    await client.query(`set search_path to ${schema}`);
    await client.query("insert into customers (name) values ('new one')");
    const { rows } = await client.query("select id::int, loud, code, note from customers where name = 'new one'");
    expect(rows).toEqual([{ id: 31, loud: "NEW ONE", code: 97, note: "touched" }]);
    expect((await client.query("select count(*)::int as n from names")).rows).toEqual([{ n: 31 }]);
  });

  it("brings back exactly what was there, whatever was done since", async () => {
    await given("create table notes (id bigint generated always as identity primary key, body text not null)");
    await given("insert into notes (body) select 'note ' || n from generate_series(1, 20) as n");
    const change = fc.oneof(
      fc.constant("insert into notes (body) values ('more')"),
      fc.integer({ min: 1, max: 20 }).map((id) => `update notes set body = body || '!' where id = ${id}`),
      fc.integer({ min: 1, max: 20 }).map((id) => `delete from notes where id = ${id}`),
      fc.nat(99).map((n) => `alter table notes add column if not exists extra_${n} text default 'x'`),
      fc.constant("create index on notes (body)"),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), async (changes) => {
        const before = await inTransaction(() => fingerprintSchema(client, schema));
        await copyTo("rp__p");
        for (const sql of changes) await given(sql);
        const after = await inTransaction(async () => {
          await restoreSchemaCopy(client, { copy: "rp__p", schema, aside: "aside" });
          await dropSchemaCopy(client, "aside");
          return fingerprintSchema(client, schema);
        });
        expect(describeDifference(before, after)).toEqual([]);
        expect([after.structure, after.data]).toEqual([before.structure, before.data]);
      }),
      { numRuns: 15 },
    );
  });

  it("is refused, not made wrong, when a function names the schema in its text", async () => {
    await given(`create function f() returns integer language sql as $$ select 1 /* ${schema} */ $$`);
    await expect(copyTo("rp__1")).rejects.toThrow(/function .*f\(\) names the schema in its text/);
  });

  it("is refused when it would lack an object of a kind that is not copied", async () => {
    await given("create aggregate product (float8) (sfunc = float8mul, stype = float8, initcond = '1')");
    await expect(copyTo("rp__1")).rejects.toBeInstanceOf(CopyUnsupportedError);
  });
});
