import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTwoDatabases, type TwoDatabases } from "../backup/testing/two-databases.ts";
import { restoreBackup } from "../backup/restore-backup.ts";
import { writeBackup } from "../backup/write-backup.ts";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { createSchemaCopy } from "../schema-copy/create-schema-copy.ts";
import { restoreSchemaCopy } from "../schema-copy/restore-schema-copy.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { withTenantSession } from "../roles/tenant-session.ts";
import { type LiveSchema, openLiveSchema } from "./live-schema.ts";
import { drain, release, type Row } from "./testing/live-world.ts";
import { viewSchemaName } from "./version-views.ts";

// The platform's session, which is no superuser, copies and restores; the tenant's own starts and ends versions, and
// may not make schemas.

const COPY = "rp__acme__books";
const GIVEN = `create table people (id serial primary key, name text not null unique, age text);
  create table pets (id integer primary key, owner integer references people (id));
  insert into people (name, age) values ('Ann', '41'), ('Bob', '7'); insert into pets values (1, 1);
  create function loud() returns trigger language plpgsql as $$ begin new.name := upper(new.name); return new; end $$;
  create trigger loud before insert on people for each row execute function loud();
  alter table people enable row level security; alter table people force row level security;
  create policy everybody on people using (true)`;
const TO_2 = [
  { alter_column: { table: "people", column: "age", type: "integer", up: "age::integer", down: "age::text" } },
  { alter_column: { table: "people", column: "id", type: "bigint", up: "id", down: "id::integer" } },
  { alter_column: { table: "pets", column: "owner", type: "bigint", up: "owner", down: "owner::integer" } },
  { rename_table: { from: "people", to: "persons" } },
];
const TO_3 = [
  { add_column: { table: "persons", column: { name: "number", type: "serial", nullable: true } } },
  { alter_column: { table: "persons", column: "name", default: "'nobody'" } },
  { rename_column: { table: "persons", from: "age", to: "years" } },
];

let tenant: TenantDatabase;
beforeEach(async () => {
  tenant = await createTenantDatabase();
  await tenant.given(GIVEN);
});
afterEach(() => tenant[Symbol.asyncDispose]());

/** Runs work on the live schema as the tenant. */
async function live<T>(work: (schema: LiveSchema) => Promise<T>): Promise<T> {
  const { client: platform, database, place } = tenant;
  const createSchema = async (name: string): Promise<void> => {
    await platform.query(`create schema ${quoteIdentifier(name)} authorization ${quoteIdentifier(place.role)}`);
  };
  return withTenantSession({ platform, url: database.url, place }, ({ client }) =>
    work(openLiveSchema({ client, schema: place.schema, createSchema })),
  );
}

function bring(from: string, to: string, operations: readonly unknown[]): Promise<unknown> {
  return live(async (schema) => {
    await schema.start(from, release(to, [...operations]));
    await drain(schema.backfill(to));
  });
}

/** As a user of a version: the tenant's role, with the version's views in front. */
async function as(
  version: string | null,
  sql: string,
  { client = tenant.client, schema = tenant.place.schema } = {},
): Promise<Row[]> {
  const path = [...(version === null ? [] : [viewSchemaName(schema, version)]), schema].map(quoteIdentifier);
  await client.query(
    `begin; set local role ${quoteIdentifier(tenant.place.role)}; set local search_path = ${path.join(", ")}`,
  );
  try {
    if (version !== null) await client.query("select set_config('aibos.version', $1, true)", [version]);
    const { rows } = await client.query<Row>(sql);
    await client.query("commit");
    return rows;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

async function copy(): Promise<{ structure: string; data: string }> {
  const { client, place } = tenant;
  await client.query("begin isolation level repeatable read");
  await createSchemaCopy(client, { from: place.schema, to: COPY });
  await client.query("commit");
  return fingerprint(COPY);
}

function restore(aside?: string, from = COPY): Promise<void> {
  const { client, place } = tenant;
  return tenant.inTransaction(() =>
    restoreSchemaCopy(client, { copy: from, schema: place.schema, ...(aside === undefined ? {} : { aside }) }),
  );
}

function fingerprint(schema = tenant.place.schema): Promise<{ structure: string; data: string }> {
  return tenant.inTransaction(() => fingerprintSchema(tenant.client, schema));
}

async function viewSchemas(client: pg.Client = tenant.client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select nspname as name from pg_namespace where nspname like '%@%' order by 1",
  );
  return rows.map(({ name }) => name);
}

const versions = (): Promise<string[]> =>
  live(async (schema) => (await schema.versions()).map(({ version, phase }) => `${version} ${phase}`));

/** Writes through both versions, and sees that each reads what the other wrote. */
async function expectBothToWork(place?: { client: pg.Client; schema: string }): Promise<void> {
  await as("1", "insert into people (name, age) values ('Cyd', '50')", place);
  await as("2", "insert into persons (name, age) values ('Dan', 60)", place);
  await as("1", "update people set age = '42' where name = 'Ann'", place);
  expect(
    await as("1", "select name, age from people where name in ('CYD', 'DAN', 'Ann') order by name", place),
  ).toEqual([
    { name: "Ann", age: "42" },
    { name: "CYD", age: "50" },
    { name: "DAN", age: "60" },
  ]);
  expect(await as("2", "select sum(age)::int as sum from persons", place)).toEqual([{ sum: 42 + 7 + 50 + 60 }]);
  await expect(as(null, "insert into people (name) values ('x')", place)).rejects.toThrow("did not say which one");
}

describe("a copy of a schema with two live versions", () => {
  beforeEach(() => bring("1", "2", TO_2));

  it("brings both back when one of them is the only one now", async () => {
    const before = await copy();
    await live((schema) => schema.complete("2"));
    await as(null, "delete from pets");
    await restore();
    expect(await fingerprint()).toEqual(before);
    expect(await versions()).toEqual(["1 active", "2 active"]);
    await expectBothToWork();
    await live((schema) => schema.complete("2"));
    expect(await viewSchemas()).toEqual([]);
    expect(await as(null, "select age from persons where name = 'DAN'")).toEqual([{ age: 60 }]);
  });

  it("brings both back when the newer one was rolled back", async () => {
    const before = await copy();
    await live((schema) => schema.rollback("2"));
    await restore();
    expect(await fingerprint()).toEqual(before);
    await expectBothToWork();
    await live((schema) => schema.rollback("2"));
    expect(await as(null, "select age from people where name = 'DAN'")).toEqual([{ age: "60" }]);
  });

  it("takes a third one away that is live now, and gives it back when what was there is put back", async () => {
    const before = await copy();
    await bring("2", "3", TO_3);
    await as("3", "insert into persons (years) values (9)");
    const now = await fingerprint();
    await restore("kept");
    expect(await viewSchemas()).toEqual([1, 2].map((version) => viewSchemaName(tenant.place.schema, String(version))));
    expect(await fingerprint()).toEqual(before);
    expect(await fingerprint("kept")).toEqual(now);
    await expectBothToWork();
    await restore(COPY, "kept");
    expect(await versions()).toEqual(["1 active", "2 active", "3 active"]);
    expect(await fingerprint()).toEqual(now);
    await as("3", "insert into persons (name, years) values ('Eve', 1)");
    expect(await as("1", "select age, name from people where age in ('9', '1') order by age")).toEqual([
      { age: "1", name: "EVE" },
      { age: "9", name: "NOBODY" },
    ]);
  });

  it("is taken for what it was while none was live, and the other way round", async () => {
    const two = await copy();
    await live((schema) => schema.rollback("2"));
    const one = await fingerprint();
    await restore("one");
    await restore("two", "one");
    expect(await fingerprint()).toEqual(one);
    expect([await viewSchemas(), await versions()]).toEqual([[], []]);
    await as(null, "insert into people (name) values ('Fay')");
    await restore("one", "two");
    expect(await fingerprint()).toEqual(two);
    await expectBothToWork();
  });
});

it("a copy made while rows are filled goes on being filled", async () => {
  await as(null, "insert into people (name, age) select 'p' || n, n::text from generate_series(1, 20000) n");
  await live(async (schema) => {
    await schema.start("1", release("2", TO_2));
    for await (const { rowsDone } of schema.backfill("2")) if (rowsDone > 0) break;
  });
  const before = await copy();
  await live((schema) => schema.rollback("2"));
  await restore();
  expect(await fingerprint()).toEqual(before);
  expect(await versions()).toEqual(["1 active", "2 expanding"]);
  await as("1", "insert into people (name, age) values ('late', '5')");
  await live((schema) => drain(schema.backfill("2")));
  expect(await as("2", "select count(*)::int as n from persons where age is null")).toEqual([{ n: 0 }]);
  await as("2", "update persons set age = 8 where name = 'LATE'");
  expect(await as("1", "select age from people where name = 'LATE'")).toEqual([{ age: "8" }]);
  const { rows } = await tenant.client.query("select from pg_policy where polname like 'aibos%'");
  expect(rows).toEqual([]);
});

describe("a backup of a schema with live versions", () => {
  let two: TwoDatabases;
  beforeEach(async () => {
    two = await createTwoDatabases();
    await tenant[Symbol.asyncDispose]();
    tenant = two.tenant;
    await tenant.given(GIVEN);
    await bring("1", "2", TO_2);
    await bring("2", "3", TO_3);
  });
  afterEach(async () => {
    await two[Symbol.asyncDispose]();
    tenant = await createTenantDatabase();
  });

  it.each([["t__acme__books"], ["t__other__name"]])("is live in another database as %s", async (schema) => {
    const file = `${two.folder}/live.backup`;
    await writeBackup(tenant.client, { schema: tenant.place.schema, metadata: null }, file);
    const before = await fingerprint();
    await restoreBackup(two.other, file, { schema, owner: tenant.place.role });
    const place = { client: two.other, schema };
    await two.other.query("begin");
    const after = await fingerprintSchema(two.other, schema);
    await two.other.query("commit");
    expect(after).toEqual(before);
    expect(await viewSchemas(two.other)).toEqual([1, 2, 3].map((version) => viewSchemaName(schema, String(version))));
    await as("3", "insert into persons (years) values (90)", place);
    expect(await as("1", "select name, age from people where age = '90'", place)).toEqual([
      { name: "NOBODY", age: "90" },
    ]);
    const other = openLiveSchema({ client: two.other, schema });
    await other.complete("3");
    expect(
      await as(null, "select name, years, number is not null as numbered from persons where years = 90", place),
    ).toEqual([{ name: "NOBODY", years: 90, numbered: true }]);
    await as(null, "insert into persons (name, years) values ('Gus', 91); insert into pets values (2, 1)", place);
    expect(await viewSchemas(two.other)).toEqual([]);
  });

  it("whose state was tampered with is refused, and nothing of it is run", async () => {
    const evil = JSON.stringify("1; drop schema public cascade");
    const refused = async (change: string, reason: string): Promise<void> => {
      await tenant.client.query(`begin; ${change}; commit`);
      const file = `${two.folder}/${reason.length}.backup`;
      await writeBackup(tenant.client, { schema: tenant.place.schema, metadata: null }, file);
      const request = { schema: "back", owner: tenant.place.role };
      await expect(restoreBackup(two.other, file, request)).rejects.toThrow(reason);
      expect((await two.other.query("select from pg_namespace where nspname like 'back%'")).rowCount).toBe(0);
    };
    const state = `${tenant.place.schema}.aibos_versions`;
    await refused(
      `update ${state} set state = jsonb_set(state, '{model,tables,0,columns,0,default}', '${evil}') where version = '3'`,
      "is not an expression",
    );
    await refused(`update ${state} set state = state - 'model' where version = '3'`, "can't be read");
    await refused(`alter table ${state} enable row level security`, "it is no plain table");
  });
});
