import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { restoreBackup } from "./restore-backup.ts";
import { createTwoDatabases, type TwoDatabases } from "./testing/two-databases.ts";
import { verifyBackup } from "./verify-backup.ts";
import { writeBackup } from "./write-backup.ts";

let two: TwoDatabases;
beforeEach(async () => {
  two = await createTwoDatabases();
});
afterEach(() => two[Symbol.asyncDispose]());

/** Resolves when somebody waits for a lock. */
async function somebodyWaits(): Promise<void> {
  for (;;) {
    const { rowCount } = await two.superuser.query("select from pg_locks where not granted");
    if (rowCount !== 0) return;
  }
}

describe("a backup that is interrupted", () => {
  it("leaves no file of its name when its process is killed, and goes through afterwards", async () => {
    const { place, database } = two.tenant;
    // The second table can't be read until the test lets go of it: row-level security must be lifted for that.
    await two.tenant.given(`create table a (t text); insert into a select md5(n::text) from generate_series(1, 50000) n;
      create table b (n int); insert into b values (1);
      alter table b enable row level security; alter table b force row level security`);
    await two.superuser.query(`begin; lock table ${place.schema}.b in access share mode`);
    const program = fileURLToPath(import.meta.resolve("./testing/write-backup-process.ts"));
    const file = join(two.folder, "killed.backup");
    const child = spawn(process.execPath, [program, database.url, place.schema, file], { stdio: "inherit" });
    const exited = once(child, "exit");
    await Promise.race([somebodyWaits(), exited]);
    child.kill("SIGKILL");
    expect(await exited).toEqual([null, "SIGKILL"]);
    await two.superuser.query("commit");
    const left = await readdir(two.folder);
    expect(left).toHaveLength(1);
    expect(left[0]).toMatch(/^\.killed\.backup\..*\.partial$/);
    expect((await stat(join(two.folder, left[0] ?? ""))).size).toBeGreaterThan(100_000);

    await writeBackup(two.tenant.client, { schema: place.schema, metadata: null }, file);
    expect((await verifyBackup(file)).tables).toMatchObject([{ rows: 50_000 }, { rows: 1 }]);
  });

  it("fails when its session is ended, as does a restore, and leaves nothing", async () => {
    const { place, database, client } = two.tenant;
    await two.tenant.given(
      "create table a (t text); insert into a select md5(n::text) from generate_series(1, 200000) n",
    );
    const file = join(two.folder, "whole.backup");
    await writeBackup(client, { schema: place.schema, metadata: null }, file);
    const doomed = async (url: string): Promise<{ session: pg.Client; end: () => Promise<unknown> }> => {
      const session = new pg.Client({ connectionString: url });
      session.on("error", () => undefined);
      await session.connect();
      const { rows } = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
      return { session, end: () => two.superuser.query("select pg_terminate_backend($1, 5000)", [rows[0]?.pid]) };
    };
    const reading = await doomed(database.url);
    let ended = false;
    const sink = new Writable({
      async write(chunk: Buffer, _encoding, done) {
        if (chunk.length > 100_000 && !ended) {
          ended = true;
          await reading.end();
        }
        done();
      },
    });
    await expect(writeBackup(reading.session, { schema: place.schema, metadata: null }, sink)).rejects.toThrow(
      /terminat/,
    );
    expect(ended).toBe(true);

    const url = new URL(database.url);
    url.pathname += "_other";
    const writing = await doomed(url.href);
    const source = createReadStream(file, { highWaterMark: 64 * 1024 });
    let pieces = 0;
    source.on("data", () => {
      pieces += 1;
      if (pieces === 20) void writing.end();
    });
    source.pause();
    await expect(restoreBackup(writing.session, source, { schema: "back", owner: place.role })).rejects.toThrow(
      /terminat/,
    );
    expect((await two.other.query("select from pg_namespace where nspname = 'back'")).rowCount).toBe(0);
    await restoreBackup(two.other, file, { schema: "back", owner: place.role });
  });
});

describe("the memory of a backup", () => {
  it("does not grow with the rows", async () => {
    const { place, client } = two.tenant;
    await two.tenant.given(`create table a (t text);
      insert into a select (select string_agg(md5(n || ' ' || i), '') from generate_series(1, 30) i) from generate_series(1, 500) n`);
    // 50 MB of rows that don't compress well, and few to make.
    await two.tenant.given("insert into a select a.t from a, generate_series(1, 100)");
    let most = 0;
    let bytes = 0;
    const least = process.memoryUsage().arrayBuffers;
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        most = Math.max(most, process.memoryUsage().arrayBuffers - least);
        setImmediate(done);
      },
    });
    const { tables } = await writeBackup(client, { schema: place.schema, metadata: null }, sink);
    expect(tables[0]?.bytes).toBeGreaterThan(45_000_000);
    expect(bytes).toBeGreaterThan(10_000_000);
    expect(most).toBeLessThan(32 * 1024 * 1024);
  });
});
