import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { createLiveWorld, drain, type LiveWorld, release } from "./testing/live-world.ts";

let world: LiveWorld;
beforeEach(async () => {
  world = await createLiveWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const TO_BIGINT = [
  {
    alter_column: {
      table: "payments",
      column: "amount",
      type: "bigint",
      up: "(amount * 100)::bigint",
      down: "amount / 100.0",
    },
  },
  { rename_column: { table: "payments", from: "amount", to: "amount_minor" } },
];

describe("two versions", () => {
  beforeEach(async () => {
    await world.given(`
      create table payments (id bigint generated always as identity primary key, amount numeric not null check (amount > 0), note text default 'n');
      create index payments_amount on payments (amount);
      insert into payments (amount) select n from generate_series(1, 300) n`);
  });

  it("see each other's writes in their own shape", async () => {
    await world.bring("1", release("2", TO_BIGINT));
    expect(await world.as("2", "select amount_minor from payments where id = 3")).toEqual([{ amount_minor: "300" }]);
    await world.as("1", "insert into payments (amount) values (1.5)");
    await world.as("2", "insert into payments (amount_minor) values (250)");
    expect(await world.as("2", "select amount_minor as v from payments where id > 300 order by id")).toEqual([
      { v: "150" },
      { v: "250" },
    ]);
    expect(await world.as("1", "select amount::float8 as v, note from payments where id > 300 order by id")).toEqual([
      { v: 1.5, note: "n" },
      { v: 2.5, note: "n" },
    ]);
    await expect(world.as(null, "insert into payments (amount) values (1)")).rejects.toThrow("did not say which one");
    await world.as("2", "update payments set amount_minor = 777 where id = 1");
    expect(await world.as("1", "select amount::float8 as v from payments where id = 1")).toEqual([{ v: 7.77 }]);
  });

  it("go back to exactly what was there, with the writes made through the newer one", async () => {
    const before = await fingerprintSchema(world.client, world.schema);
    await world.bring("1", release("2", TO_BIGINT));
    expect(await world.live.rollback("2")).toEqual([]);
    expect(await fingerprintSchema(world.client, world.schema)).toEqual(before);
    await world.bring("1", release("2", TO_BIGINT));
    await world.as("2", "insert into payments (amount_minor) values (250)");
    await world.live.rollback("2");
    const after = await fingerprintSchema(world.client, world.schema);
    expect(after.structure).toBe(before.structure);
    expect(await world.as(null, "select amount::float8 as v from payments where id > 300")).toEqual([{ v: 2.5 }]);
  });

  it("become the newer one alone, with its names and nothing left over", async () => {
    await world.bring("1", release("2", TO_BIGINT));
    await world.as("1", "insert into payments (amount) values (1.5)");
    await world.live.complete("2");
    await world.as(null, "insert into payments (amount_minor) values (250)");
    expect(await world.as(null, "select amount_minor as v from payments where id > 300 order by id")).toEqual([
      { v: "150" },
      { v: "250" },
    ]);
    expect(
      await world.as(
        null,
        "select conname, pg_get_constraintdef(oid) as d from pg_constraint where conrelid = 'payments'::regclass and contype <> 'n' order by 1",
      ),
    ).toEqual([
      { conname: "payments_amount_check", d: expect.stringContaining("amount_minor") as string },
      { conname: "payments_pkey", d: "PRIMARY KEY (id)" },
    ]);
    expect(await world.as(null, "select indexdef from pg_indexes where indexname = 'payments_amount'")).toEqual([
      { indexdef: expect.stringContaining("(amount_minor)") as string },
    ]);
    expect(
      await world.as(
        null,
        "select attnotnull as n from pg_attribute where attrelid = 'payments'::regclass and attname = 'amount_minor'",
      ),
    ).toEqual([{ n: true }]);
    expect(await world.as(null, "select nspname from pg_namespace where nspname like 't\\_\\_acme%'")).toEqual([
      { nspname: "t__acme__books" },
    ]);
    expect(await world.as(null, "select tgname from pg_trigger where tgrelid = 'payments'::regclass")).toEqual([]);
  });

  it("report how far the rows are filled", async () => {
    await world.live.start("1", release("2", TO_BIGINT));
    const progress = await drain(world.live.backfill("2"));
    expect(progress.at(-1)).toMatchObject({ rowsDone: 300, table: undefined });
  });

  it("tell what going back discards before it is gone, so that who writes it down can't lose it", async () => {
    await world.bring(
      "1",
      release("2", [{ add_column: { table: "payments", column: { name: "remark", type: "text", nullable: true } } }]),
    );
    await world.as("2", "update payments set remark = 'mine' where id <= 2");
    const other = new pg.Client({ connectionString: world.url });
    await other.connect();
    try {
      const seen: unknown[] = [];
      const report = async (discarded: unknown): Promise<void> => {
        const { rows } = await other.query("select count(*)::int as views from pg_namespace where nspname like '%@%'");
        seen.push({ discarded, rows });
      };
      const discarded = [{ table: "payments", column: "remark", rows: 2 }];
      expect(await world.live.rollback("2", { report })).toEqual(discarded);
      expect(seen).toEqual([{ discarded, rows: [{ views: 2 }] }]);
      expect(await world.live.rollback("2", { report })).toEqual([]);
      expect(seen).toHaveLength(1);
    } finally {
      await other.end();
    }
  });
});
