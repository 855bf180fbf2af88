import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeDifference } from "../fingerprint/describe-difference.ts";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { type TenantSession, withTenantSession } from "../roles/tenant-session.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { readAppliedMigrations } from "../migrations/applied-migrations.ts";
import { applySqlMigrations, undoSqlMigrations } from "./apply-sql-migrations.ts";
import { parseSqlMigrations, type SqlMigration } from "./sql-migration.ts";

let tenant: TenantDatabase;

beforeEach(async () => {
  tenant = await createTenantDatabase();
});
afterEach(() => tenant[Symbol.asyncDispose]());

function files(contents: Readonly<Record<string, string>>): SqlMigration[] {
  return parseSqlMigrations(Object.entries(contents).map(([path, content]) => ({ path: `${path}.sql`, content })));
}

const FIRST = { "001_notes.up": "create table notes (body text)", "001_notes.down": "drop table notes" };
const SECOND = {
  "002_stars.up": "alter table notes add stars integer; update notes set stars = 3",
  "002_stars.down": "alter table notes drop stars",
};
const THIRD = { "003_more.up": "insert into notes (body) values ('third')" };

function onSession<T>(work: (session: TenantSession) => Promise<T>): Promise<T> {
  return withTenantSession({ platform: tenant.client, url: tenant.database.url, place: tenant.place }, work);
}

async function apply(migrations: readonly SqlMigration[]): Promise<string[]> {
  const { migrations: ran } = await onSession((session) => applySqlMigrations(session, migrations));
  return ran.map(({ name }) => name);
}

async function undo(migrations: readonly SqlMigration[], downTo: number): Promise<string[]> {
  const { migrations: ran } = await onSession((session) => undoSqlMigrations(session, migrations, downTo));
  return ran.map(({ name }) => name);
}

async function applied(): Promise<string[]> {
  return (await readAppliedMigrations(tenant.client, tenant.place.schema)).map(({ name }) => name);
}

function fingerprint() {
  return tenant.inTransaction(() => fingerprintSchema(tenant.client, tenant.place.schema));
}

describe("applySqlMigrations", () => {
  it("runs what the data has not seen, once, as the tenant's role in its schema", async () => {
    expect(await applied()).toEqual([]);
    expect(await apply(files(FIRST))).toEqual(["notes"]);
    expect(await apply(files({ ...FIRST, ...SECOND, ...THIRD }))).toEqual(["stars", "more"]);
    expect(await apply(files({ ...FIRST, ...SECOND, ...THIRD }))).toEqual([]);
    expect(await applied()).toEqual(["notes", "stars", "more"]);
    const { rows } = await tenant.client.query(
      "select tableowner as owner, count(*)::int as n from pg_tables where schemaname = $1 group by 1",
      [tenant.place.schema],
    );
    expect(rows).toEqual([{ owner: tenant.place.role, n: 2 }]);
  });

  it("leaves the platform's session as it was, and the tenant's role without a login", async () => {
    await apply(files(FIRST));
    const { rows } = await tenant.client.query(
      `select current_user as user, current_setting('search_path') as path, r.rolcanlogin as login,
         (select count(*)::int from pg_stat_activity where usename = r.rolname) as sessions
       from pg_roles r where r.rolname = $1`,
      [tenant.place.role],
    );
    expect(rows).toEqual([{ user: tenant.database.name, path: '"$user", public', login: false, sessions: 0 }]);
  });

  it("names file and line of a statement that fails, PostgreSQL's code and its hint, and takes the file back", async () => {
    const failing = {
      "002_bad.up": "insert into notes values ('ü 🌍');\n\n-- next\nupdate notes\n   set bodi = 'x';",
    };
    await apply(files(FIRST));
    const before = await fingerprint();
    await expect(apply(files({ ...FIRST, ...failing }))).rejects.toMatchObject({
      code: "AIBOS_MIGRATION_SQL",
      file: "002_bad.up.sql",
      line: 5,
      sqlState: "42703",
      message: '002_bad.up.sql:5: column "bodi" of relation "notes" does not exist (SQLSTATE 42703)',
    });
    expect(describeDifference(before, await fingerprint())).toEqual([]);
  });

  it.each([
    ["a failure without a place", "create table t (n integer check (n > 0));\n\ninsert into t values (0)", 3, "23514"],
    [
      "one at the end of the transaction",
      `create table t (n integer primary key, m integer references t deferrable initially deferred);
      insert into t values (1, 2)`,
      2,
      "23503",
    ],
    ["one in a rewritten line", "create table public.t (n int);\nselect n,\n  m from public.t", 3, "42703"],
    ["one after rows", "create table t (n int);\ncopy t from stdin;\n1\n2\n\\.\nselect m from t", 6, "42703"],
    ["one in rows", "create table t (n int);\ncopy t from stdin;\nx\n\\.\n", 2, "22P02"],
  ])("names the statement of %s", async (_, sql, line, sqlState) => {
    await expect(apply(files({ "001_bad.up": sql }))).rejects.toMatchObject({ file: "001_bad.up.sql", line, sqlState });
    expect(await applied()).toEqual([]);
  });

  it("makes and drops indexes concurrently where nobody is there to be blocked, and analyses tables", async () => {
    const sql = `create index concurrently notes_body on notes (body);
      create unique index concurrently notes_once on notes (body) where body is not null;
      drop index concurrently notes_body; analyze notes`;
    expect(await apply(files({ ...FIRST, "002_index.up": sql }))).toEqual(["notes", "index"]);
    const { rows } = await tenant.client.query<{ indexname: string }>(
      "select indexname from pg_indexes where schemaname = $1 and tablename = 'notes'",
      [tenant.place.schema],
    );
    expect(rows.map(({ indexname }) => indexname)).toEqual(["notes_once"]);
  });

  it("refuses a file that waits for input from the session", async () => {
    await expect(apply(files({ "001_bad.up": "create table t (n integer); copy t from stdin" }))).rejects.toThrow(
      "the rows of COPY … FROM STDIN must follow it",
    );
  });

  it.each([
    ["of its own role", "do $$ begin execute 'reset role'; execute 'create role mine'; end $$"],
    ["by another name", "do $$ begin perform set_config('role', 'none', true); execute 'create role mine'; end $$"],
    ["of the session", "do $$ begin execute 'set session authorization default'; execute 'create role mine'; end $$"],
  ])("lets no file become the platform by the name %s", async (_, sql) => {
    await expect(apply(files({ "001_bad.up": sql }))).rejects.toMatchObject({ sqlState: "42501" });
    expect(await applied()).toEqual([]);
  });

  it("lets no file, function or deferred trigger take the platform's role", async () => {
    const take = `perform set_config('role', '${tenant.database.name}', false);`;
    await expect(apply(files({ "001_bad.up": `do $$ begin ${take} end $$` }))).rejects.toMatchObject({
      sqlState: "42501",
    });
    const late = `create table t (n integer);
      create function leave() returns trigger language plpgsql as $$ begin ${take} return null; end $$;
      create constraint trigger late after insert on t deferrable initially deferred
        for each row execute function leave();
      insert into t values (1)`;
    await expect(apply(files({ "001_bad.up": late }))).rejects.toMatchObject({ sqlState: "42501" });
  });

  it("begins each file in the tenant's schema, whatever the one before did to the session", async () => {
    const sql = `do $$ begin execute 'set search_path to pg_catalog'; end $$; set timezone to 'Asia/Tokyo';
      create temporary table notes (body text); alter role current_user set statement_timeout = 1`;
    await apply(
      files({ "001_a.up": sql, "002_b.up": "create table notes (body text default current_setting('timezone'))" }),
    );
    await apply(
      files({
        "001_a.up": sql,
        "002_b.up": "create table notes (body text default current_setting('timezone'))",
        "003_c.up": "insert into notes default values; select pg_sleep(0.05)",
      }),
    );
    const { rows } = await tenant.client.query(`select body from ${tenant.place.schema}.notes`);
    expect(rows).not.toEqual([{ body: "Asia/Tokyo" }]);
  });

  it("closes the schema again that a file opened where no reading finds it", async () => {
    const sql = `do $$ begin execute 'grant usage on schema ' || current_schema() || ' to public'; end $$`;
    await apply(files({ ...FIRST, "002_open.up": sql }));
    const { rows } = await tenant.client.query(
      "select count(*)::int as open from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = $1 and a.grantee = 0",
      [tenant.place.schema],
    );
    expect(rows).toEqual([{ open: 0 }]);
  });

  it.each([
    ["another schema", "do $$ begin execute 'create table pub' || 'lic.mine (n integer)'; end $$"],
    ["a schema of its own", "do $$ begin execute 'create schema mine'; end $$"],
    ["a new role", "do $$ begin execute 'create role mine'; end $$"],
  ])("does not let a file reach %s", async (_, sql) => {
    await expect(apply(files({ "001_bad.up": sql }))).rejects.toMatchObject({ sqlState: "42501" });
  });

  it.each([
    [
      "a changed file",
      { ...FIRST, "002_stars.up": "alter table notes add stars bigint", ...THIRD },
      /^Migration 002_stars was published or applied before, but its content was changed: line 1 was "alter table notes add stars integer; update notes set stars = 3" and is "alter table notes add stars bigint"\. Published migrations never change/,
    ],
    [
      "a file that is gone",
      FIRST,
      /^Migration 002_stars was published or applied before, but the release does not have it\./,
    ],
    [
      "a new name",
      { ...FIRST, "002_rating.up": SECOND["002_stars.up"], ...THIRD },
      /^Migration 002_stars was published or applied before, but the release has 002_rating in its place\./,
    ],
    [
      "a file put in between",
      { ...FIRST, "0002_early.up": "select 1", "0003_stars.up": SECOND["002_stars.up"] },
      /^Migration 002_stars was published or applied before, but the release has 002_early in its place\./,
    ],
  ])("refuses %s in a history that the data went through, and runs nothing", async (_, contents, message) => {
    await apply(files({ ...FIRST, ...SECOND }));
    const before = await fingerprint();
    await expect(apply(files(contents))).rejects.toThrow(message);
    await expect(undo(files(contents), 0)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_DRIFT", number: 2 });
    expect(describeDifference(before, await fingerprint())).toEqual([]);
  });

  it("takes a down file that was changed since, which the data has not seen", async () => {
    await apply(files(FIRST));
    expect(await apply(files({ ...FIRST, "001_notes.down": "drop table notes cascade" }))).toEqual([]);
  });
});

describe("a file that is not one transaction", () => {
  it("runs statement by statement, uses a value that it added, and ends its own transactions", async () => {
    const sql = `create type mood as enum ('sad');
      create table people (mood mood);
      begin; insert into people values ('sad'); commit;
      alter type mood add value 'glad';
      begin; insert into people values ('glad'); rollback;
      update people set mood = 'glad';
      do $$ begin for i in 1..3 loop insert into people values ('sad'); commit; end loop; end $$;
      vacuum (analyze) people; reindex (concurrently) table people`;
    expect(await apply(files({ "001_moods.up": sql }))).toEqual(["moods"]);
    const { rows } = await tenant.client.query(`select mood, count(*)::int as n from ${tenant.place.schema}.people
      group by mood order by mood`);
    expect(rows).toEqual([
      { mood: "sad", n: 3 },
      { mood: "glad", n: 1 },
    ]);
  });

  it("is found to be one when PostgreSQL says so, and runs again from its begin", async () => {
    const sql = `create table seen (n integer);
      create procedure work() language plpgsql as $$ begin insert into seen values (1); commit; end $$;
      call work()`;
    expect(await apply(files({ "001_work.up": sql }))).toEqual(["work"]);
    const { rows } = await tenant.client.query(`select count(*)::int as n from ${tenant.place.schema}.seen`);
    expect(rows).toEqual([{ n: 1 }]);
  });

  it("is not gone on from when it was interrupted", async () => {
    const migrations = files({ ...FIRST, "002_half.up": "insert into notes values ('half');\nvacuum nothing" });
    await expect(apply(migrations)).rejects.toMatchObject({ line: 2, sqlState: "42P01" });
    await expect(apply(migrations)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_INTERRUPTED", number: 2 });
    await expect(undo(migrations, 0)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_INTERRUPTED" });
  });

  it("has each of its own transactions", async () => {
    const sql = `begin; create table a (n integer); commit;
      start transaction; insert into a values (1); rollback;
      begin; insert into a values (2); commit;`;
    expect(await apply(files({ "001_two.up": sql }))).toEqual(["two"]);
    const { rows } = await tenant.client.query(`select n from ${tenant.place.schema}.a`);
    expect(rows).toEqual([{ n: 2 }]);
  });

  it("must end what it begins", async () => {
    const migrations = files({ ...FIRST, "002_open.up": "select 1;\nbegin;\ninsert into notes values ('lost')" });
    await expect(apply(migrations)).rejects.toThrow("002_open.up.sql:2: it begins a transaction that it does not end.");
    const { rows } = await tenant.client.query(`select * from ${tenant.place.schema}.notes`);
    expect(rows).toEqual([]);
  });
});

describe("extensions", () => {
  it("are made by the platform in a schema that all tenants share, and found by any way of naming them", async () => {
    const sql = `create extension if not exists "uuid-ossp" with schema public;
      create extension citext schema public version '1.6';
      comment on extension citext is 'x';
      do $$ begin create extension if not exists pg_trgm; create extension if not exists dblink_of_nobody;
        exception when others then null; end $$;
      create table people (id uuid primary key default public.uuid_generate_v4(), name citext, nick public.citext);
      create index on people using gin ((name::text) public.gin_trgm_ops);
      create function plain(text) returns text language sql immutable as $$ select public.similarity($1, 'a')::text $$;
      create index on people (public.plain(nick::text));
      insert into people (name) values ('Ann');
      drop extension if exists citext cascade`;
    expect(await apply(files({ "001_people.up": sql }))).toEqual(["people"]);
    const { rows } = await tenant.client.query(
      "select e.extname as name, n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace order by 1",
    );
    expect(rows).toEqual([
      ...["citext", "pg_trgm"].map((name) => ({ name, schema: "aibos_extensions" })),
      { name: "plpgsql", schema: "pg_catalog" },
      { name: "uuid-ossp", schema: "aibos_extensions" },
    ]);
  });

  it.each([
    ["dblink", "which only a superuser can create", 'create extension "dblink" schema aibos_extensions cascade'],
    ["no_such_thing", "which is not installed on the server", "installs its package"],
  ])("that PostgreSQL does not trust are the operator's: %s", async (name, why, what) => {
    const applying = apply(files({ ...FIRST, "002_x.up": `select 1;\ncreate extension ${name}` }));
    await expect(applying).rejects.toMatchObject({ code: "AIBOS_EXTENSION_UNAVAILABLE", extension: name });
    await expect(apply(files({ ...FIRST, "002_x.up": `select 1;\ncreate extension ${name}` }))).rejects.toThrow(
      new RegExp(`^002_x\\.up\\.sql:2: it needs PostgreSQL's extension "${name}", ${why}.*${what}`),
    );
    expect(await applied()).toEqual([]);
  });

  it("that the operator put elsewhere are named with what brings them here", async () => {
    await tenant.client.query("create schema elsewhere; create extension hstore schema elsewhere");
    await expect(apply(files({ "001_x.up": "create extension if not exists hstore" }))).rejects.toThrow(
      'alter extension "hstore" set schema aibos_extensions',
    );
  });
});

describe("a ledger of an older program", () => {
  it("gets what it lacks, and keeps what it has", async () => {
    const { client, place } = tenant;
    await tenant.given(`create table aibos_migrations (
      number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`);
    const [first] = files(FIRST);
    await client.query(`insert into ${place.schema}.aibos_migrations values (1, 'notes', $1)`, [first?.up.checksum]);
    await tenant.given("create table notes (body text)");
    expect(await readAppliedMigrations(client, place.schema)).toMatchObject([
      { number: 1, content: null, finished: true },
    ]);
    expect(await apply(files({ ...FIRST, "20250101120000_stars.up": "alter table notes add stars integer" }))).toEqual([
      "stars",
    ]);
    expect(await readAppliedMigrations(client, place.schema)).toMatchObject([
      { number: 1, content: null, finished: true },
      { number: 20250101120000, content: "alter table notes add stars integer", finished: true },
    ]);
  });
});

describe("undoSqlMigrations", () => {
  it("takes back the newest first, down to a number", async () => {
    const migrations = files({ ...FIRST, ...SECOND });
    await apply(files(FIRST));
    const before = await fingerprint();
    await apply(migrations);
    expect(await undo(migrations, 1)).toEqual(["stars"]);
    expect(await applied()).toEqual(["notes"]);
    expect(describeDifference(before, await fingerprint()).filter((line) => !line.includes("attnum"))).toEqual([]);
    await apply(migrations);
    expect(await undo(migrations, 0)).toEqual(["stars", "notes"]);
    expect(await applied()).toEqual([]);
    expect(await undo(migrations, 0)).toEqual([]);
  });

  it("leaves out what a newer release has and the data has not seen", async () => {
    await apply(files(FIRST));
    expect(await undo(files({ ...FIRST, ...SECOND }), 0)).toEqual(["notes"]);
  });

  it("refuses the whole when one has no down file", async () => {
    const migrations = files({ ...FIRST, ...SECOND, ...THIRD });
    await apply(migrations);
    await expect(undo(migrations, 1)).rejects.toThrow("003_more.up.sql: it has no down file.");
    expect(await applied()).toEqual(["notes", "stars", "more"]);
  });

  it("stops at a down file that fails, and names it", async () => {
    const migrations = files({ ...FIRST, ...SECOND, ...THIRD, "003_more.down": "delete from nots" });
    await apply(migrations);
    await expect(undo(migrations, 0)).rejects.toMatchObject({ file: "003_more.down.sql", line: 1, sqlState: "42P01" });
    expect(await applied()).toEqual(["notes", "stars", "more"]);
  });
});
