import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSchemaCopy, dropSchemaCopy } from "../schema-copy/create-schema-copy.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { addWrites, type CountedWrites, countWritesSince } from "./count-writes.ts";
import { takeWriteBaseline, type WriteBaseline } from "./write-baseline.ts";

let tenant: TenantDatabase;
let schema: string;

beforeEach(async () => {
  tenant = await createTenantDatabase();
  ({ schema } = tenant.place);
});
afterEach(() => tenant[Symbol.asyncDispose]());

function baseline(): Promise<WriteBaseline> {
  return tenant.inTransaction(() => takeWriteBaseline(tenant.client, schema));
}

function countSince(since: WriteBaseline, copy?: string): Promise<CountedWrites[]> {
  return tenant.inTransaction(() =>
    countWritesSince(tenant.client, { schema, baseline: since, ...(copy === undefined ? {} : { copy }) }),
  );
}

function copyTo(copy: string) {
  return tenant.inTransaction(() => createSchemaCopy(tenant.client, { from: schema, to: copy }));
}

const NOTES =
  "create table notes (id integer primary key, body text); insert into notes select n, 'x' from generate_series(1, 100) n";

describe("counted writes", () => {
  it("are none when nothing was written, whatever the vacuum does", async () => {
    await tenant.given(NOTES);
    const since = await baseline();
    await tenant.client.query(`vacuum (full, freeze) ${schema}.notes`);
    await tenant.client.query(`vacuum (freeze, analyze) ${schema}.notes`);
    expect(await countSince(since)).toEqual([]);
  });

  it("are exact for rows that only came", async () => {
    await tenant.given(NOTES);
    const since = await baseline();
    await tenant.given("insert into notes select n from generate_series(101, 105) n");
    expect(await countSince(since)).toEqual([{ table: "notes", inserted: 5, updated: 0, deleted: 0, exact: true }]);
  });

  it("are exact for rows that only went", async () => {
    await tenant.given(NOTES);
    const since = await baseline();
    await tenant.given("delete from notes where id <= 7");
    expect(await countSince(since)).toEqual([{ table: "notes", inserted: 0, updated: 0, deleted: 7, exact: true }]);
  });

  it("tell an update from an insert and a delete by the keys of a copy", async () => {
    await tenant.given(NOTES);
    const since = await baseline();
    await copyTo("rp__1");
    await tenant.given("insert into notes select n from generate_series(101, 104) n");
    await tenant.given("update notes set body = 'y' where id <= 10");
    await tenant.given("update notes set body = 'z' where id <= 10");
    await tenant.given("delete from notes where id in (5, 50, 51)");
    expect(await countSince(since, "rp__1")).toEqual([
      { table: "notes", inserted: 4, updated: 9, deleted: 3, exact: true },
    ]);
  });

  it("are the same after every row was frozen and moved", async () => {
    await tenant.given(NOTES);
    const since = await baseline();
    await copyTo("rp__1");
    await tenant.given(
      "insert into notes values (101); update notes set body = 'y' where id <= 3; delete from notes where id = 4",
    );
    const counted = await countSince(since, "rp__1");
    await tenant.client.query(`vacuum (full, freeze) ${schema}.notes`);
    expect(await countSince(since, "rp__1")).toEqual(counted);
    expect(counted).toEqual([{ table: "notes", inserted: 1, updated: 3, deleted: 1, exact: true }]);
  });

  it("say that they are not exact for a table without a key, where rows both came and went", async () => {
    await tenant.given("create table log (line text); insert into log select 'x' from generate_series(1, 10)");
    const since = await baseline();
    await copyTo("rp__1");
    await tenant.given("insert into log values ('y'), ('y'), ('y')");
    expect(await countSince(since, "rp__1")).toEqual([
      { table: "log", inserted: 3, updated: 0, deleted: 0, exact: true },
    ]);
    await tenant.given("delete from log where ctid in (select ctid from log where line = 'x' limit 1)");
    expect(await countSince(since, "rp__1")).toEqual([
      { table: "log", inserted: 2, updated: 1, deleted: 0, exact: false },
    ]);
  });

  it("leave out what came and went again, and what was taken back", async () => {
    await tenant.given(NOTES);
    const since = await baseline();
    await tenant.given("insert into notes values (101)");
    await tenant.given("delete from notes where id = 101");
    await expect(tenant.given("insert into notes values (102); select 1 / 0")).rejects.toThrow("division by zero");
    expect(await countSince(since)).toEqual([]);
  });

  it("know a transaction that was under way when the baseline was taken", async () => {
    await tenant.given(NOTES);
    const { database, place } = tenant;
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query(`begin; set local role ${place.role}; insert into ${schema}.notes values (101)`);
      const since = await baseline();
      await other.query("commit");
      expect(await countSince(since)).toMatchObject([{ table: "notes", inserted: 1 }]);
    } finally {
      await other.end();
    }
  });

  it("count each table, new ones and partitions too, and never the platform's own", async () => {
    await tenant.given(
      `create table days (day integer primary key) partition by range (day);
       create table days_1 partition of days for values from (0) to (100);
       create table "Odd ""name" (n integer)`,
    );
    const since = await baseline();
    await tenant.given(
      `insert into days values (1), (2); insert into "Odd ""name" values (1);
       create table fresh (n integer); insert into fresh values (1), (2), (3);
       create table aibos_migrations (number integer); insert into aibos_migrations values (1)`,
    );
    expect((await countSince(since)).map(({ table, inserted }) => [table, inserted])).toEqual([
      ['Odd "name', 1],
      ["days", 2],
      ["fresh", 3],
    ]);
  });

  it("see every row of a table whose row-level security is forced on its owner", async () => {
    await tenant.given(
      `${NOTES}; alter table notes enable row level security; alter table notes force row level security`,
    );
    const since = await baseline();
    expect(since.rows).toEqual({ notes: 100 });
    await copyTo("rp__1");
    await tenant.given(
      "alter table notes no force row level security; delete from notes where id <= 2; insert into notes values (101); alter table notes force row level security",
    );
    expect(await countSince(since, "rp__1")).toEqual([
      { table: "notes", inserted: 1, updated: 0, deleted: 2, exact: true },
    ]);
    const { rows } = await tenant.client.query(
      "select relforcerowsecurity as forced from pg_class where relname = 'notes'",
    );
    expect(rows).toEqual([{ forced: true }, { forced: true }]);
  });

  it("are those of any list of changes", async () => {
    await tenant.given("create table notes (id integer primary key, body integer not null default 0)");
    const ids = fc.integer({ min: 1, max: 12 });
    const change = fc.oneof(
      ids.map((id) => ({ kind: "put", id }) as const),
      ids.map((id) => ({ kind: "remove", id }) as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(ids), fc.array(change, { maxLength: 8 }), async (start, changes) => {
        const list = start.map((id) => `(${id})`).join(", ");
        await tenant.given(`truncate notes; ${start.length === 0 ? "" : `insert into notes (id) values ${list}`}`);
        const since = await baseline();
        await copyTo("rp__p");
        const touched = new Map<number, "put" | "remove">();
        for (const { kind, id } of changes) touched.set(id, kind);
        const statements = changes.map(({ kind, id }) =>
          kind === "put"
            ? `insert into notes (id) values (${id}) on conflict (id) do update set body = notes.body + 1`
            : `delete from notes where id = ${id}`,
        );
        await tenant.given(statements.join(";\n"));
        const count = (kind: "put" | "remove", before: boolean): number =>
          [...touched].filter(([id, last]) => last === kind && start.includes(id) === before).length;
        const expected = { inserted: count("put", false), updated: count("put", true), deleted: count("remove", true) };
        const counted = await countSince(since, "rp__p");
        await tenant.inTransaction(() => dropSchemaCopy(tenant.client, "rp__p"));
        const nothing = Object.values(expected).every((number) => number === 0);
        expect(counted).toEqual(nothing ? [] : [{ table: "notes", ...expected, exact: true }]);
      }),
      { numRuns: 10 },
    );
  });

  it("go on across a rewrite of the data: what users wrote before is added to what they write after", async () => {
    await tenant.given(NOTES);
    const first = await baseline();
    await tenant.given("insert into notes values (101), (102)");
    const carried = await countSince(first);
    await tenant.given("alter table notes add stars integer default 3; update notes set stars = id");
    const second = await baseline();
    expect(await countSince(second)).toEqual([]);
    await tenant.given("delete from notes where id <= 3");
    expect(addWrites(carried, await countSince(second))).toEqual([
      { table: "notes", inserted: 2, updated: 0, deleted: 3, exact: true },
    ]);
  });
});

describe("addWrites", () => {
  it("adds tables of either side, and is exact only when both are", () => {
    const one = { table: "a", inserted: 1, updated: 2, deleted: 3, exact: true };
    const other = { table: "b", inserted: 0, updated: 0, deleted: 1, exact: true };
    expect(addWrites([one], [{ ...one, exact: false }, other])).toEqual([
      { table: "a", inserted: 2, updated: 4, deleted: 6, exact: false },
      other,
    ]);
    expect(addWrites([], [])).toEqual([]);
  });
});
