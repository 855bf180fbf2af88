import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BackupManifest } from "./backup-manifest.ts";
import { BackupNotRestorableError } from "./backup-not-restorable-error.ts";
import { BackupUnusableError } from "./backup-unusable-error.ts";
import { restoreBackup, type RestoreRequest } from "./restore-backup.ts";
import { type SmallBackup, smallBackup } from "./testing/small-backup.ts";
import { createTwoDatabases, type TwoDatabases } from "./testing/two-databases.ts";
import { writeBackup } from "./write-backup.ts";

const KEY = "a key that nobody knows";
const schema = "t__other__books";
let two: TwoDatabases;
let owner: string;
let file: string;

beforeAll(async () => {
  two = await createTwoDatabases();
  owner = two.tenant.place.role;
  file = join(two.folder, "crafted.backup");
});
afterAll(() => two[Symbol.asyncDispose]());
beforeEach(() => two.other.query(`drop schema if exists ${schema} cascade`));

function statements(beforeData: string[], afterData: string[] = []): Partial<BackupManifest> {
  return { statements: { beforeData, afterData } };
}

/** Restores from a file or a stream, and gives the failure. */
async function failure(
  bytes: Buffer,
  { from = "stream", ...request }: Partial<RestoreRequest> & { from?: "file" | "stream" } = {},
): Promise<unknown> {
  if (from === "file") await writeFile(file, bytes);
  const source = from === "file" ? file : Readable.from([bytes], { objectMode: false });
  return restoreBackup(two.other, source, { schema, owner, ...request }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function isThere(): Promise<boolean> {
  return (await two.other.query("select from pg_namespace where nspname = $1", [schema])).rowCount === 1;
}

describe("a damaged backup", () => {
  it.each(["file", "stream"] as const)("leaves nothing behind, from a %s", async (from) => {
    await two.tenant.given(
      "create table notes (id int primary key, body text); insert into notes select n, md5(n::text) from generate_series(1, 2000) n",
    );
    const whole = join(two.folder, "whole.backup");
    await writeBackup(two.tenant.client, { schema: two.tenant.place.schema, metadata: null, key: KEY }, whole);
    await two.tenant.given("drop table notes");
    const bytes = await readFile(whole);
    for (let step = 1; step < 30; step += 1) {
      const at = Math.floor((bytes.length * step) / 30);
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 0x55;
      expect(await failure(altered, { from, key: KEY })).toBeInstanceOf(BackupUnusableError);
      expect(await failure(bytes.subarray(0, at), { from, key: KEY })).toBeInstanceOf(BackupUnusableError);
      expect(await isThere()).toBe(false);
    }
    expect(await failure(bytes, { from, key: `${KEY}?` })).toMatchObject({ problem: "signature wrong" });
    expect(await failure(bytes, { from, key: KEY })).toBeUndefined();
    expect((await two.other.query(`select count(*)::int as n from ${schema}.notes`)).rows).toEqual([{ n: 2000 }]);
  });

  it("is refused before anything is asked of the database, from a file", async () => {
    const bytes = await smallBackup();
    await writeFile(file, bytes.subarray(0, -1));
    const asked: unknown[] = [];
    const watching = new Proxy(two.other, {
      get(target, name) {
        asked.push(name);
        return Reflect.get(target, name) as unknown;
      },
    });
    await expect(restoreBackup(watching, file, { schema, owner })).rejects.toMatchObject({ problem: "truncated" });
    expect(asked).toEqual([]);
  });
});

describe("a hostile backup", () => {
  const HOSTILE: [string, SmallBackup][] = [
    ["ends the transaction", { manifest: statements(["commit"]) }],
    ["becomes the platform's role", { manifest: statements(["reset role"]) }],
    ["hides a statement behind another", { manifest: statements(["create table a (); reset role"]) }],
    [
      "runs a block",
      { manifest: statements(["create table notes (id int, body text)"], ["do $$ begin reset role; end $$"]) },
    ],
    ["hands out a role", { manifest: statements(["grant pg_read_all_data to public"]) }],
    ["leaves a temporary table", { manifest: statements(["create temp table pg_class (oid oid)"]) }],
    [
      "reaches into another schema",
      { manifest: statements(["create function public.f() returns int language sql as 'select 1'"]) },
    ],
  ];
  it.each(HOSTILE)("is refused when it %s", async (_name, crafted) => {
    const error = await failure(await smallBackup(crafted));
    expect(error).toBeInstanceOf(BackupUnusableError);
    expect(error).toMatchObject({ problem: "statement not allowed" });
    expect(await isThere()).toBe(false);
  });

  const BECOME = "perform set_config('role', 'none', false); perform set_config('role', session_user, true); return 1;";
  const SPY = `create function spy() returns int language plpgsql immutable as $$ begin ${BECOME} end $$`;
  const CODE: [string, SmallBackup][] = [
    [
      "a generated column",
      {
        manifest: statements([SPY, "create table notes (id int, body text, n int generated always as (spy()) stored)"]),
      },
    ],
    [
      "a domain",
      {
        manifest: statements([
          SPY,
          "create domain text2 as text check (spy() = 1)",
          "create table notes (id int, body text2)",
        ]),
      },
    ],
    [
      "an array of a domain",
      {
        manifest: statements([
          SPY,
          "create domain d as int check (spy() = 1)",
          "create table notes (id int, body d[])",
        ]),
        rows: { notes: "1\t{1}\n" },
      },
    ],
    [
      "a composite type",
      {
        manifest: statements([
          SPY,
          "create domain d as int check (spy() = 1)",
          "create type c as (d d)",
          "create table notes (id int, body c)",
        ]),
        rows: { notes: "1\t(1)\n" },
      },
    ],
    [
      "a partition's key",
      {
        manifest: statements([
          SPY,
          "create table whole (id int, body text) partition by list ((spy()))",
          "create table notes (id int, body text)",
          "alter table only whole attach partition notes for values in (1)",
        ]),
      },
    ],
    [
      "an index",
      { manifest: statements([SPY, "create table notes (id int, body text)"], ["create index on notes ((spy()))"]) },
    ],
    [
      "a check",
      {
        manifest: statements(
          [SPY, "create table notes (id int, body text)"],
          ["alter table notes add check (spy() = 1)"],
        ),
      },
    ],
    [
      "a materialized view",
      {
        manifest: statements(
          [SPY, "create table notes (id int, body text)"],
          ["create materialized view v as select spy()"],
        ),
      },
    ],
  ];
  it.each(CODE)("can't become the platform's role by the code in %s", async (_name, crafted) => {
    const error = await failure(await smallBackup(crafted));
    expect(error).toBeInstanceOf(BackupNotRestorableError);
    expect(String(error)).toMatch(/cannot set parameter "role"/);
    expect(await isThere()).toBe(false);
    expect((await two.other.query("select current_user = session_user as same")).rows).toEqual([{ same: true }]);
  });

  it("can't name what would be other SQL when it is quoted", async () => {
    const name = `notes"; drop schema public; --`;
    const quoted = `"notes""; drop schema public; --"`;
    const crafted = {
      manifest: statements([`create table ${quoted} (id int, body text)`]),
      rows: { [name]: "1\tx\n" },
    };
    expect(await failure(await smallBackup(crafted))).toBeInstanceOf(BackupNotRestorableError);
    const tables = [{ name: "pg_authid", columns: ["rolname"] }];
    expect(await failure(await smallBackup({ manifest: { tables } }))).toBeInstanceOf(BackupNotRestorableError);
    expect((await two.other.query("select from pg_namespace where nspname = 'public'")).rowCount).toBe(1);
  });

  it("is refused when it does not make what it says, or says fewer rows", async () => {
    const lacking = await smallBackup({ manifest: { structure: [{ object: "table hidden", definition: "[]" }] } });
    expect(await failure(lacking)).toMatchObject({ code: "AIBOS_BACKUP_NOT_RESTORABLE" });
    const cut = await smallBackup({ rows: { notes: "1\tx\n2\ty" } });
    expect(await failure(cut)).toMatchObject({ problem: "altered" });
    const end = await smallBackup({ rows: { notes: "1\tx\n\\.\n3\tz\n" } });
    expect(await failure(end)).toBeInstanceOf(Error);
    expect(await isThere()).toBe(false);
  });

  it("is refused with the reason when a row does not fit, and the session goes on", async () => {
    const rows = { notes: `1\tx\n${"not a number\ty\n".repeat(200_000)}` };
    const error = await failure(await smallBackup({ rows }));
    expect(error).toBeInstanceOf(BackupNotRestorableError);
    expect(String(error)).toMatch(/invalid input syntax for type integer: "not a number"/);
    expect((await two.other.query("select 1 as alive")).rows).toEqual([{ alive: 1 }]);
  });
});

describe("a place for a restore", () => {
  const sound = async (): Promise<Buffer> => {
    const given =
      "create table notes (id int, body text); insert into notes values (1, 'x'); grant select on notes to public";
    await two.tenant.given(given);
    await writeBackup(two.tenant.client, { schema: two.tenant.place.schema, metadata: null }, file);
    await two.tenant.given("drop table notes");
    return readFile(file);
  };

  it("must be empty, and the owner's", async () => {
    const bytes = await sound();
    await two.other.query(
      `create schema ${schema} authorization ${owner}; create function ${schema}.f() returns int language sql as 'select 1'`,
    );
    expect(String(await failure(bytes))).toMatch(/there and not empty/);
    await two.other.query(`drop function ${schema}.f()`);
    expect(await failure(bytes)).toBeUndefined();
    await two.other.query(`drop schema ${schema} cascade; create schema ${schema}`);
    expect(String(await failure(bytes))).toMatch(/there and not .*_tenant's/);
    await two.other.query(`drop schema ${schema}`);
    expect(String(await failure(bytes, { owner: "nobody_at_all" }))).toMatch(/no role nobody_at_all/);
  });

  it("must have the roles that rights name, unless they may be left out", async () => {
    await two.superuser.query(`create role "a ""reader""" nologin`);
    try {
      await two.tenant.given(`create table notes (id int); insert into notes values (1)`);
      const { client, place } = two.tenant;
      await client.query(`set role ${owner}; grant select on ${place.schema}.notes to "a ""reader""" with grant option;
        grant usage on schema ${place.schema} to "a ""reader""";
        alter default privileges in schema ${place.schema} grant insert on tables to "a ""reader"""; reset role`);
      await writeBackup(client, { schema: place.schema, metadata: null }, file);
      await restoreBackup(two.other, file, { schema, owner });
      const has = `select has_schema_privilege('a "reader"', '${schema}', 'usage') and
        has_table_privilege('a "reader"', '${schema}.notes', 'select with grant option') as has`;
      expect((await two.other.query(has)).rows).toEqual([{ has: true }]);
      await two.other.query(`drop schema ${schema} cascade`);
      await client.query(`drop schema ${place.schema} cascade; create schema ${place.schema} authorization ${owner}`);
    } finally {
      await two.superuser.query(`drop role "a ""reader"""`);
    }
    await expect(restoreBackup(two.other, file, { schema, owner })).rejects.toThrow(
      /roles that are not here: a "reader"\./,
    );
    expect(await isThere()).toBe(false);
    const { leftOut } = await restoreBackup(two.other, file, { schema, owner, missingRoles: "leave-out" });
    expect(leftOut).toHaveLength(3);
    expect((await two.other.query(`select count(*)::int as n from ${schema}.notes`)).rows).toEqual([{ n: 1 }]);
  });

  it.each([
    [
      "functions name it in their text",
      "create function f() returns text language sql as $$ select 'SCHEMA' $$",
      "f\\(\\)",
    ],
    [
      "a default names it",
      "create sequence s; create table t (a int default nextval('SCHEMA.s'::text))",
      "create table t .*",
    ],
  ])("must have the old name when %s", async (_name, given, what) => {
    const { client, place } = two.tenant;
    await client.query(`drop schema ${place.schema} cascade; create schema ${place.schema} authorization ${owner}`);
    await two.tenant.given(given.replace("SCHEMA", place.schema));
    await writeBackup(client, { schema: place.schema, metadata: null }, file);
    await expect(restoreBackup(two.other, file, { schema, owner })).rejects.toThrow(
      new RegExp(`${what} has the name t__acme__books in its text`),
    );
    await restoreBackup(two.other, file, { schema: place.schema, owner });
    await two.other.query(`drop schema ${place.schema} cascade`);
  });
});
