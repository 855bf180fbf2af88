import assert from "node:assert/strict";
import {
  type CopySize,
  createSchemaCopy,
  dropSchemaCopy,
  fingerprintSchema,
  provisionTenantSchema,
  restoreSchemaCopy,
  takeWriteBaseline,
} from "@aibos/tenant-data";
import type pg from "pg";
import { spreadOf } from "../spread.ts";
import { type Bar, describeTimes, type Extent, ratiosOf, timed } from "./bar.ts";
import { startBenchPostgres } from "./bench-postgres.ts";

// A rollback point of 20 tables against bare "create table as" of the same rows plus the same indexes, in one transaction
// each, in turns, so that a slow moment of the machine hits all. The bare way has no definitions, constraints, rights or
// check of truth.

const TABLES = Array.from({ length: 20 }, (_, n) => `t${n}`);
const SCHEMA = "t__bench__books";
const COPY = "rp_bench";

interface Size {
  readonly rows: number;
  readonly rounds: number;
  readonly constrained: boolean;
}

const SIZES: readonly Size[] = [false, true].flatMap((constrained) => [
  { rows: 100, rounds: 41, constrained },
  { rows: 2_500, rounds: 31, constrained },
  { rows: 25_000, rounds: 11, constrained },
]);

export async function measure(extent: Extent): Promise<Bar[]> {
  await using postgres = await startBenchPostgres();
  const client = await postgres.connect();
  try {
    console.log("Rollback point of 20 tables, against bare create table as + indexes");
    const bars: Bar[] = [];
    const sizes = extent === "short" ? [{ rows: 100, rounds: 1, constrained: true }] : SIZES;
    for (const size of sizes) bars.push(...(await measureSize(client, size)));
    return bars;
  } finally {
    await client.end();
  }
}

async function measureSize(client: pg.Client, { rows, rounds, constrained }: Size): Promise<Bar[]> {
  await client.query(`drop schema if exists ${SCHEMA} cascade`);
  await provisionTenantSchema(client, { schema: SCHEMA, role: "bench_tenant" });
  await client.query(`set role bench_tenant; set search_path to ${SCHEMA}`);
  for (const [index, table] of TABLES.entries()) await client.query(definitionOf(table, index, { rows, constrained }));
  await client.query("reset role; set role platform; reset search_path");
  const original = await fingerprintSchema(client, SCHEMA);
  const subjects: Record<string, () => Promise<void>> = {
    "bare copy": () => inTransaction(client, () => bareCopy(client)),
    "rollback point": () =>
      inTransaction(client, async () => {
        await rollbackPoint(client);
      }),
    "rollback point and its fingerprint": () =>
      inTransaction(client, async () => {
        const { structure } = await rollbackPoint(client);
        const { structure: definitions, data } = await fingerprintSchema(client, COPY, structure);
        assert.deepEqual({ definitions, data }, { definitions: original.structure, data: original.data });
      }),
  };
  const times = new Map(Object.keys(subjects).map((name) => [name, [] as number[]]));
  const swaps: number[] = [];
  for (let round = rounds === 1 ? 0 : -2; round < rounds; round += 1) {
    for (const [name, work] of Object.entries(subjects)) {
      const ms = await timed(work);
      if (round >= 0) times.get(name)?.push(ms);
      if (name === "rollback point") {
        const swap = await timed(() =>
          inTransaction(client, () => restoreSchemaCopy(client, { copy: COPY, schema: SCHEMA, aside: "aside" })),
        );
        if (round >= 0) swaps.push(swap);
        await inTransaction(client, () => restoreSchemaCopy(client, { copy: "aside", schema: SCHEMA, aside: COPY }));
      }
      await dropSchemaCopy(client, COPY);
    }
  }
  const what = `${rows} rows each, ${constrained ? "with" : "without"} foreign keys and checks`;
  console.log(`\n${what}, ${rounds} rounds`);
  const bare = times.get("bare copy") ?? [];
  for (const [name, measured] of times) console.log(describeTimes(name, measured, bare));
  console.log(describeTimes("swap", swaps));
  return [
    {
      promise: `rollback point, ${what}, against bare`,
      measured: ratiosOf(times.get("rollback point") ?? [], bare),
      unit: "×",
      most: 1.5,
    },
    { promise: `swap, ${what}`, measured: spreadOf(swaps), unit: "ms", most: 50 },
  ];
}

/** Rows as an application has them, with a key and two indexes. */
function definitionOf(
  table: string,
  index: number,
  { rows, constrained }: { rows: number; constrained: boolean },
): string {
  const before = TABLES[Math.max(0, index - 1)] ?? table;
  const references = constrained ? `references ${before} (id)` : "";
  const check = constrained ? ", check (amount >= 0), check (state in ('open', 'paid', 'void'))" : "";
  return `create table ${table} (id bigint generated always as identity primary key, ref bigint not null ${references},
      name text not null, amount numeric(12, 2) not null, state text not null default 'open',
      created timestamptz not null default now(), details jsonb${check});
    insert into ${table} (ref, name, amount, state, created, details)
    select n, 'customer number ' || n, n * 1.25, (array['open', 'paid', 'void'])[1 + n % 3],
      timestamptz '2026-01-01' + n * interval '1 minute', jsonb_build_object('note', md5(n::text), 'n', n)
    from generate_series(1, ${rows}) n;
    create index on ${table} (ref); create index on ${table} (state, created); analyze ${table}`;
}

async function bareCopy(client: pg.Client): Promise<void> {
  await client.query(`create schema ${COPY}`);
  for (const table of TABLES) {
    await client.query(`create table ${COPY}.${table} as select * from ${SCHEMA}.${table}`);
    await client.query(`create unique index on ${COPY}.${table} (id)`);
    await client.query(`create index on ${COPY}.${table} (ref)`);
    await client.query(`create index on ${COPY}.${table} (state, created)`);
  }
}

async function rollbackPoint(client: pg.Client): Promise<CopySize> {
  const copy = await createSchemaCopy(client, { from: SCHEMA, to: COPY });
  await takeWriteBaseline(client, SCHEMA, copy.rowsByTable);
  return copy;
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query("begin isolation level repeatable read");
  await work();
  await client.query("commit");
}
