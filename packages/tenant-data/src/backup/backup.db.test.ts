import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describeDifference } from "../fingerprint/describe-difference.ts";
import { CopyUnsupportedError } from "../schema-copy/copy-unsupported-error.ts";
import { KITCHEN_SINK } from "../testing/kitchen-sink.ts";
import { restoreBackup } from "./restore-backup.ts";
import { createTwoDatabases, fingerprintOf, type TwoDatabases } from "./testing/two-databases.ts";
import { readBackupManifest, verifyBackup } from "./verify-backup.ts";
import { writeBackup } from "./write-backup.ts";

const KEY = "a key that nobody knows";
let two: TwoDatabases;
let client: pg.Client;
let place: { schema: string; role: string };

beforeAll(async () => {
  two = await createTwoDatabases();
  ({ client, place } = two.tenant);
});
afterAll(() => two[Symbol.asyncDispose]());
beforeEach(async () => {
  const { schema, role } = place;
  await client.query(`drop schema if exists ${schema} cascade; create schema ${schema} authorization ${role}`);
  await client.query(`revoke all on schema ${schema} from public`);
});
afterEach(async () => {
  await two.other.query(`drop schema if exists ${place.schema} cascade`);
});

const path = (name: string): string => join(two.folder, name);
const backup = (file: string) => writeBackup(client, { schema: place.schema, metadata: null }, path(file));
const restore = (file: string) => restoreBackup(two.other, path(file), { schema: place.schema, owner: place.role });

describe("a backup", () => {
  it.each([
    ["zstd", undefined],
    ["gzip", KEY],
  ] as const)("in %s restores into another database as what was backed up", async (compression, key) => {
    await two.tenant.given(KITCHEN_SINK);
    const before = await fingerprintOf(client, place.schema);
    const signed = key === undefined ? {} : { key };
    const metadata = { version: "1.5.0", nested: [null, { __proto__: 1, ключ: "\u0000\u2028\ud800'\"" }] };
    const file = path(`${compression}.backup`);
    const request = { schema: place.schema, metadata, compression, ...signed };
    const written = await writeBackup(client, request, createWriteStream(file));
    expect(written.tables.map(({ name, rows }) => [name, rows])).toContainEqual(["customers", 30]);

    const verified = await verifyBackup(createReadStream(file), signed);
    expect(verified.tables).toEqual(written.tables);
    expect(verified.bytes).toBe((await stat(file)).size);
    expect((await readBackupManifest(file, signed)).metadata).toEqual(JSON.parse(JSON.stringify(metadata)));

    const target = { schema: place.schema, owner: place.role, ...signed };
    const restored = await restoreBackup(two.other, compression === "zstd" ? file : createReadStream(file), target);
    expect(restored.manifest.metadata).toEqual(verified.manifest.metadata);
    const after = await fingerprintOf(two.other, place.schema);
    expect(describeDifference(before, after)).toEqual([]);
    expect([after.structure, after.data]).toEqual([before.structure, before.data]);
    const { rows } = await two.other.query("select rolsuper from pg_roles where rolname = current_user");
    expect(rows).toEqual([{ rolsuper: false }]);
  });

  it("keeps every value that text can hold", async () => {
    await two.tenant
      .given(`create table odd (t text, b bytea, f float8, n numeric, j jsonb, a text[], d date, i interval,
      z timestamptz, m money, x xml, e varchar(3));
      insert into odd values (E'\\\\.\\n\\t\\r\\b|\\\\N', '\\x00ff0a0d5c', 'NaN', 'NaN', '"\\u2028"', '{NULL,"NULL","a,b",""}',
        '4713-01-01 BC', '-1 year 3 days 04:05:06.789', 'infinity', 1234.5, '<a>1</a>', 'äöü'),
        (null, '', '-0', 1e-130, null, '{}', 'infinity', '0', '0044-03-15 12:00:00 BC', -0.01, null, ''),
        ('', null, 1e308, 12345678901234567890.0123456789, '{}', null, null, null, null, null, null, null)`);
    await client.query(
      "set datestyle to 'German'; set intervalstyle to 'sql_standard'; set timezone to 'Asia/Kathmandu'",
    );
    await two.other.query(
      "set datestyle to 'SQL, DMY'; set timezone to 'America/St_Johns'; set client_min_messages to error",
    );
    const before = await fingerprintOf(client, place.schema);
    await backup("odd.backup");
    await restore("odd.backup");
    const after = await fingerprintOf(two.other, place.schema);
    expect(describeDifference(before, after)).toEqual([]);
    expect(after.data).toBe(before.data);
    expect((await client.query("show datestyle")).rows).toEqual([{ DateStyle: "German, DMY" }]);
    await client.query("reset all");
    await two.other.query("reset all");
  });

  it("keeps tables without columns, rows or plain columns, and rows longer than a piece", async () => {
    await two.tenant.given(`create table bare (); insert into bare select from generate_series(1, 3);
      create table empty (id int generated by default as identity, at timestamptz default now());
      create table derived_only (n int generated always as (1 + 1) stored); insert into derived_only default values;
      create table wide (t text); insert into wide values (repeat('long ', 700000)), (repeat(E'\\n', 2097152));
      alter table wide add column later int default 7; alter table wide drop column later`);
    const before = await fingerprintOf(client, place.schema);
    const { tables } = await backup("shapes.backup");
    expect(tables.map(({ name, rows }) => `${name} ${rows}`)).toEqual([
      "bare 3",
      "derived_only 1",
      "empty 0",
      "wide 2",
    ]);
    await verifyBackup(path("shapes.backup"));
    await restore("shapes.backup");
    const after = await fingerprintOf(two.other, place.schema);
    expect([after.structure, after.data]).toEqual([before.structure, before.data]);
  });

  it("is of one moment while others go on writing, who wait for nothing", async () => {
    await two.tenant.given(`create table debit (id bigint generated always as identity primary key, n int);
      create table credit (id bigint generated always as identity primary key, n int, filler text default repeat('x', 500));
      insert into debit (n) select 1 from generate_series(1, 5000); insert into credit (n) select 1 from generate_series(1, 5000)`);
    const writer = new pg.Client({ connectionString: two.tenant.database.url });
    await writer.connect();
    await writer.query(`set search_path to ${place.schema}; set lock_timeout = '1ms'`);
    let pairs = 0;
    const write = async (): Promise<void> => {
      await writer.query("begin; insert into debit (n) values (1); insert into credit (n) values (1); commit");
      await writer.query("update credit set n = n where id = 1");
      pairs += 1;
    };
    // Each part of the backup is taken only when another pair was written.
    const chunks: Buffer[] = [];
    const slow = new Writable({
      write(chunk: Buffer, _encoding, written) {
        chunks.push(chunk);
        write().then(() => written(), written);
      },
    });
    await writeBackup(client, { schema: place.schema, metadata: null }, slow);
    await writer.end();
    expect(pairs).toBeGreaterThan(3);
    await restoreBackup(two.other, Readable.from(chunks), { schema: place.schema, owner: place.role });
    const { rows } = await two.other.query(
      `select (select sum(n)::int from ${place.schema}.debit) as debit, (select sum(n)::int from ${place.schema}.credit) as credit`,
    );
    expect(rows).toEqual([{ debit: 5000, credit: 5000 }]);
    await two.other.query(`insert into ${place.schema}.debit (n) values (1)`);
  });

  it("has the rows that forced row-level security hides, and never shows the table without it", async () => {
    await two.tenant.given(`create table secret (n int); insert into secret values (1), (2);
      alter table secret enable row level security; alter table secret force row level security`);
    const { tables } = await backup("secret.backup");
    expect(tables).toMatchObject([{ name: "secret", rows: 2 }]);
    expect(
      (await client.query(`select relforcerowsecurity as forced from pg_class where relname = 'secret'`)).rows,
    ).toEqual([{ forced: true }]);
    await restore("secret.backup");
    expect((await two.other.query(`select count(*)::int as n from ${place.schema}.secret`)).rows).toEqual([{ n: 0 }]);
    expect((await fingerprintOf(two.other, place.schema)).tables).toMatchObject([{ name: "secret", rows: 2 }]);
  });

  it("is refused when it is written, not when it is needed, where a restore would lack something", async () => {
    await two.tenant.given("create conversion mine for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8");
    await expect(backup("lacking.backup")).rejects.toBeInstanceOf(CopyUnsupportedError);
    await expect(writeBackup(client, { schema: "nowhere", metadata: null }, path("no.backup"))).rejects.toThrow(
      /no such schema/,
    );
    expect((await readdir(two.folder)).filter((name) => /lacking|no\.backup/.test(name))).toEqual([]);
    expect((await client.query("select 1 as alive")).rows).toEqual([{ alive: 1 }]);
  });

  it("fails with the stream's error, leaves the session of use and an older file in its place", async () => {
    await two.tenant.given(`create table big (t text); insert into big
      select (select string_agg(md5(n || ' ' || i), '') from generate_series(1, 30) i) from generate_series(1, 6000) n`);
    let taken = 0;
    const full = new Writable({
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length;
        done(taken > 300_000 ? new Error("no space left") : null);
      },
    });
    await expect(writeBackup(client, { schema: place.schema, metadata: null }, full)).rejects.toThrow("no space left");
    const destroyed = new Writable({ write: (_chunk, _encoding, done) => done() });
    destroyed.destroy();
    await expect(writeBackup(client, { schema: place.schema, metadata: null }, destroyed)).rejects.toThrow(/./);
    await expect(writeBackup(client, { schema: place.schema, metadata: null }, path("none/x"))).rejects.toThrow(
      /ENOENT/,
    );
    expect((await client.query("select 1 as alive")).rows).toEqual([{ alive: 1 }]);

    await backup("kept.backup");
    const { size } = await stat(path("kept.backup"));
    await two.tenant.given("create conversion mine for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8");
    await expect(backup("kept.backup")).rejects.toThrow(/conversion/);
    expect((await stat(path("kept.backup"))).size).toBe(size);
    await verifyBackup(path("kept.backup"));
  });

  it("is readable by its writer alone", async () => {
    await backup("mine.backup");
    expect((await stat(path("mine.backup"))).mode & 0o777).toBe(0o600);
  });

  it("goes on when the consumer of a stream pauses", async () => {
    await two.tenant.given(
      "create table big (t text); insert into big select repeat(md5(n::text), 30) from generate_series(1, 3000) n",
    );
    const file = createWriteStream(path("paused.backup"), { highWaterMark: 1 });
    const finished = once(file, "close");
    await writeBackup(client, { schema: place.schema, metadata: null }, file);
    await finished;
    expect((await verifyBackup(path("paused.backup"))).tables).toMatchObject([{ rows: 3000 }]);
  });
});
