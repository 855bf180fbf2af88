import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeDifference } from "../fingerprint/describe-difference.ts";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { readAppliedMigrations } from "./applied-migrations.ts";
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

function apply(migrations: readonly SqlMigration[]): Promise<string[]> {
  return tenant.inTransaction(async () =>
    (await applySqlMigrations(tenant.client, { ...tenant.place, migrations })).map(({ name }) => name),
  );
}

function undo(migrations: readonly SqlMigration[], downTo: number): Promise<string[]> {
  return tenant.inTransaction(async () =>
    (await undoSqlMigrations(tenant.client, { ...tenant.place, migrations, downTo })).map(({ name }) => name),
  );
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

  it("leaves role and search_path of the session as they were", async () => {
    await apply(files(FIRST));
    const { rows } = await tenant.client.query("select current_user as user, current_setting('search_path') as path");
    expect(rows).toEqual([{ user: tenant.database.name, path: '"$user", public' }]);
  });

  it("names file and line of a statement that fails, PostgreSQL's code and its hint, and takes all back", async () => {
    const failing = {
      "002_bad.up": "insert into notes values ('ü 🌍');\n\n-- next\nupdate notes\n   set bodi = 'x';",
    };
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

  it("says what it knows of a failure that has no place in the file", async () => {
    const failing = { "001_bad.up": "create table t (n integer check (n > 0));\ninsert into t values (0)" };
    await expect(apply(files(failing))).rejects.toMatchObject({
      file: "001_bad.up.sql",
      line: undefined,
      sqlState: "23514",
    });
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

  it("ends, with an error, a file that waits for input from the session", async () => {
    await expect(apply(files({ "001_bad.up": "create table t (n integer); copy t from stdin" }))).rejects.toThrow(
      /cannot COPY to\/from client/,
    );
    expect(await apply(files(FIRST))).toEqual(["notes"]);
  });

  it.each([
    ["by name", "do $$ begin execute 'reset role'; end $$"],
    ["by a function", "select set_config('role', 'none', true)"],
    [
      "and comes back, as if nothing had been",
      `do $$ declare me text := current_user; begin
         perform set_config('role', 'none', true); perform set_config('role', me, true); end $$`,
    ],
    ["by another session's name", "do $$ begin execute 'set session authorization default'; end $$"],
    [
      "in a trigger that waits for the end of the transaction",
      `create table t (n integer);
       create function leave() returns trigger language plpgsql as $$
         begin perform set_config('role', 'none', true); return null; end $$;
       create constraint trigger late after insert on t deferrable initially deferred
         for each row execute function leave();
       insert into t values (1)`,
    ],
  ])("lets no file leave its role %s", async (_, sql) => {
    await expect(apply(files({ "001_bad.up": sql }))).rejects.toThrow(
      /cannot set parameter "(role|session_authorization)" within security-definer function/,
    );
    expect(await applied()).toEqual([]);
  });

  it("refuses a file that leaves its schema at run time, where no reading finds it", async () => {
    const sql = "do $$ begin execute 'set search_path to public'; end $$";
    await expect(apply(files({ "001_bad.up": sql }))).rejects.toThrow(
      "001_bad.up.sql: it changes the role or the search_path, which are the platform's.",
    );
    expect(await applied()).toEqual([]);
  });

  it.each([
    ["another schema", "create table public.mine (n integer)"],
    ["a schema of its own", "do $$ begin execute 'create schema mine'; end $$"],
    ["a new role", "do $$ begin execute 'create role mine'; end $$"],
  ])("does not let a file reach %s", async (_, sql) => {
    await expect(apply(files({ "001_bad.up": sql }))).rejects.toMatchObject({ sqlState: "42501" });
  });

  it.each([
    [
      "a changed file",
      { ...FIRST, "002_stars.up": "alter table notes add stars bigint", ...THIRD },
      /^Migration 002_stars was published or applied before, but its content was changed\. Published migrations never change/,
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

  it("takes all back when a down file fails, and names it", async () => {
    const migrations = files({ ...FIRST, ...SECOND, ...THIRD, "003_more.down": "delete from nots" });
    await apply(migrations);
    await expect(undo(migrations, 0)).rejects.toMatchObject({ file: "003_more.down.sql", line: 1, sqlState: "42P01" });
    expect(await applied()).toEqual(["notes", "stars", "more"]);
  });
});
