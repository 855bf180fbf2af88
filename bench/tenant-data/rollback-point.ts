import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalPostgres } from "@aibos/local-postgres";
import {
  type CopySize,
  createSchemaCopy,
  dropSchemaCopy,
  fingerprintSchema,
  provisionTenantSchema,
  restoreSchemaCopy,
  takeWriteBaseline,
} from "@aibos/tenant-data";
import pg from "pg";
import { spreadOf } from "../spread.ts";

// A rollback point of 20 tables against bare "create table as" of the same rows plus the same indexes, in one transaction
// each, in turns, so that a slow moment of the machine hits all. The bare way has no definitions, constraints, rights or
// check of truth. A round starts after a checkpoint.

const TABLES = Array.from({ length: 20 }, (_, n) => `t${n}`);
const SCHEMA = "t__bench__books";
const COPY = "rp_bench";

export async function measure(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-bench-"));
  const postgres = await startLocalPostgres({ folder, settings: ["max_wal_size=4GB", "shared_buffers=256MB"] });
  const client = new pg.Client({ connectionString: postgres.superuserUrl });
  try {
    await client.connect();
    await client.query("create role platform createrole");
    await client.query("create database bench owner platform");
    await client.end();
    const url = new URL(postgres.superuserUrl);
    url.pathname = "/bench";
    const platform = new pg.Client({ connectionString: url.href, options: "-c role=platform" });
    platform.on("error", () => undefined);
    await platform.connect();
    console.log("Rollback point of 20 tables, in ms, against bare create table as + indexes");
    for (const constrained of [false, true]) {
      for (const [rows, rounds] of [
        [100, 41],
        [2_500, 31],
        [25_000, 11],
      ] as const) {
        await measureSize(platform, { rows, rounds, constrained });
      }
    }
    await platform.end();
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureSize(
  client: pg.Client,
  { rows, rounds, constrained }: { rows: number; rounds: number; constrained: boolean },
): Promise<void> {
  await client.query(`drop schema if exists ${SCHEMA} cascade`);
  await provisionTenantSchema(client, { schema: SCHEMA, role: "bench_tenant" });
  await client.query(`set role bench_tenant; set search_path to ${SCHEMA}`);
  for (const [index, table] of TABLES.entries()) await client.query(definitionOf(table, index, { rows, constrained }));
  await client.query("reset role; set role platform; reset search_path");
  const subjects: Record<string, () => Promise<void>> = {
    "bare copy": () => inTransaction(client, () => bareCopy(client)),
    "rollback point": () =>
      inTransaction(client, async () => {
        await rollbackPoint(client);
      }),
    "rollback point and its fingerprint": () =>
      inTransaction(client, async () => {
        const { structure } = await rollbackPoint(client);
        await fingerprintSchema(client, COPY, structure);
      }),
  };
  const times = new Map(Object.keys(subjects).map((name) => [name, [] as number[]]));
  const swaps: number[] = [];
  for (let round = -2; round < rounds; round += 1) {
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
  console.log(`\n${rows} rows each, ${constrained ? "with" : "without"} foreign keys and checks, ${rounds} rounds`);
  const bare = times.get("bare copy") ?? [];
  for (const [name, measured] of times) report(name, measured, bare);
  report("swap", swaps);
}

function report(name: string, measured: readonly number[], bare?: readonly number[]): void {
  const { min, median, p90 } = spreadOf(measured);
  const figures = `${name.padEnd(36)} ${median.toFixed(1)} (${min.toFixed(1)} to ${p90.toFixed(1)})`;
  if (bare === undefined) return console.log(figures);
  const ratio = spreadOf(measured.map((ms, round) => ms / (bare[round] ?? Number.NaN)));
  console.log(`${figures}   ${ratio.median.toFixed(2)} × (${ratio.p10.toFixed(2)} to ${ratio.p90.toFixed(2)})`);
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

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
