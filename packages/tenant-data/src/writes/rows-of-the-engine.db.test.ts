import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLiveSchema, type RowChanges } from "../live/live-schema.ts";
import { drain, release } from "../live/testing/live-world.ts";
import { viewSchemaName } from "../live/version-views.ts";
import { createSchemaCopy } from "../schema-copy/create-schema-copy.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { addWrites, type CountedWrites, countWritesSince } from "./count-writes.ts";
import {
  addRowChange,
  continueBaseline,
  moveBaseline,
  takeWriteBaseline,
  withoutFilled,
  type WriteBaseline,
} from "./write-baseline.ts";

let tenant: TenantDatabase;
let schema: string;
/** A rollback point as the control plane keeps one: its copy, its baseline and what was counted before that. */
let baseline: WriteBaseline;
let carried: CountedWrites[];

const rowChanges: RowChanges = {
  async expected() {
    carried = await lost();
    baseline = continueBaseline(baseline, await takeBaseline());
  },
  made: async (change) => {
    baseline = addRowChange(baseline, change);
  },
};

beforeEach(async () => {
  tenant = await createTenantDatabase();
  ({ schema } = tenant.place);
  await tenant.given(
    `create table notes (id integer primary key, body text);
     insert into notes select n, 'x' from generate_series(1, 100) n`,
  );
  carried = [];
  baseline = await takeBaseline();
  await tenant.inTransaction(() => createSchemaCopy(tenant.client, { from: schema, to: "rp" }));
});
afterEach(() => tenant[Symbol.asyncDispose]());

function takeBaseline(): Promise<WriteBaseline> {
  return tenant.inTransaction(() => takeWriteBaseline(tenant.client, schema));
}

function live() {
  return openLiveSchema({ client: tenant.client, schema, rowChanges });
}

async function bring(from: string, version: string, operations: unknown[]): Promise<void> {
  await live().start(from, release(version, operations));
  await drain(live().backfill(version));
}

/** One statement of a user of a version. */
async function as(version: string, sql: string): Promise<void> {
  await tenant.inTransaction(async () => {
    const path = `"${viewSchemaName(schema, version)}", "${schema}"`;
    await tenant.client.query(`set local search_path = ${path}; set local aibos.version = '${version}'; ${sql}`);
  });
}

async function lost(): Promise<CountedWrites[]> {
  const known = await withoutFilled(tenant.client, schema, baseline);
  const since = await tenant.inTransaction(() =>
    countWritesSince(tenant.client, { schema, baseline: known.baseline, copy: "rp" }),
  );
  return addWrites(addWrites(carried, known.filledOver), since);
}

describe("writes since a rollback point", () => {
  it("go by the names that the point knows after a table and its key were renamed, and a new one took the name", async () => {
    await bring("1", "2", [
      { rename_table: { from: "notes", to: "pages" } },
      { rename_column: { table: "pages", from: "id", to: "number" } },
      { create_table: { name: "notes", columns: [{ name: "id", type: "integer", pk: true }] } },
    ]);
    await as("1", "insert into notes values (101, 'old way')");
    await as("2", "update pages set body = 'y' where number <= 3");
    await as("2", "delete from pages where number = 4");
    await as("2", "insert into notes values (1), (2)");
    const expected = [
      { table: "notes (new)", inserted: 2, updated: 0, deleted: 0, exact: true },
      { table: "notes", inserted: 1, updated: 3, deleted: 1, exact: true },
    ];
    const sorted = async (): Promise<CountedWrites[]> =>
      (await lost()).toSorted((a, b) => b.table.length - a.table.length);
    expect(await sorted()).toEqual(expected);
    await live().complete("2");
    expect(await sorted()).toEqual(expected);
    // Counting goes on from a later moment under the same names.
    carried = await lost();
    baseline = continueBaseline(baseline, await takeBaseline());
    await tenant.given("insert into pages values (102, 'later'); delete from pages where number = 5");
    expect(await sorted()).toEqual([expected[0], { table: "notes", inserted: 2, updated: 3, deleted: 2, exact: true }]);
  });

  it("are none of those that an author's SQL makes when a version is completed, in subtransactions too", async () => {
    await bring("1", "2", [
      { rename_table: { from: "notes", to: "pages" } },
      {
        sql: {
          onComplete: true,
          up: `update notes set body = 'tidy' where id between 11 and 20;
               do $$ begin
                 update ${schema}.notes set body = 'tidier' where id between 21 and 30;
               exception when division_by_zero then null; end $$;
               delete from notes where id between 31 and 35; insert into notes values (0, 'system')`,
        },
      },
    ]);
    await as("1", "update notes set body = 'mine' where id in (11, 99)");
    await as("2", "delete from pages where id = 100");
    await live().complete("2");
    await tenant.given("insert into pages values (101, 'after')");
    expect(await lost()).toEqual([{ table: "notes", inserted: 1, updated: 2, deleted: 1, exact: true }]);
  });

  it("are none of those that a release's own SQL makes when it starts, nor of its way back", async () => {
    await bring("1", "2", [
      {
        sql: {
          up: "insert into notes select n, 'seed' from generate_series(201, 210) n; delete from notes where id <= 2",
          down: "delete from notes where id > 200; insert into notes values (1, 'x'), (2, 'x')",
        },
      },
    ]);
    await as("2", "insert into notes values (101, 'mine')");
    const expected = [{ table: "notes", inserted: 1, updated: 0, deleted: 0, exact: true }];
    expect(await lost()).toEqual(expected);
    await live().rollback("2");
    expect(await lost()).toEqual(expected);
  });

  it("do not leave out what an engine's transaction was to do that was taken back", async () => {
    await tenant.client.query("begin");
    await tenant.client.query(`delete from ${schema}.notes`);
    const { rows } = await tenant.client.query<{ own: string }>("select pg_current_xact_id()::text as own");
    const own = rows[0]?.own ?? "";
    await tenant.client.query("rollback");
    const [oid] = Object.values(baseline.tables ?? {}).map((table) => table.oid);
    baseline = addRowChange(baseline, {
      transaction: own,
      transactions: `{[${own},${own}]}`,
      rows: { [String(oid)]: -100 },
    });
    await tenant.given("delete from notes where id = 1");
    expect(await lost()).toEqual([{ table: "notes", inserted: 0, updated: 0, deleted: 1, exact: true }]);
  });

  it("go on under the same names when a copy took the tables' place", async () => {
    await bring("1", "2", [{ rename_table: { from: "notes", to: "pages" } }]);
    await live().complete("2");
    const before = await takeBaseline();
    await tenant.given("alter table pages rename to old; create table pages (like old including all)");
    await tenant.given("insert into pages select * from old; drop table old");
    const after = await takeBaseline();
    const moved = new Map([[before.tables?.["pages"]?.oid ?? 0, after.tables?.["pages"]?.oid ?? 0]]);
    baseline = continueBaseline(moveBaseline(baseline, moved), after);
    await tenant.given("insert into pages values (101, 'new'); update pages set body = 'y' where id = 1");
    expect(await lost()).toEqual([{ table: "notes", inserted: 1, updated: 1, deleted: 0, exact: true }]);
  });
});
