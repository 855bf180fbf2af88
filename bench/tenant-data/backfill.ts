import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { openLiveSchema, viewSchemaName } from "@aibos/tenant-data";
import type pg from "pg";
import { spreadOf } from "../spread.ts";
import { type Bar, describeTimes, type Extent, ratiosOf, timed } from "./bar.ts";
import { type BenchPostgres, startBenchPostgres } from "./bench-postgres.ts";
import { createInvoices, TO_NUMERIC, releaseOf } from "./invoices.ts";

// The backfill of a converted column, while a user of the older version writes 100 rows a second, against one bare
// `update` that fills such a column of the same rows, with nobody else there. How long the user's transactions take is
// measured before, while nothing else runs, and during the backfill. A round starts from fresh tables.

const LIVE = "live";
const BARE = "bare";
const PAUSE_MS = 10;

const RELEASE = releaseOf(TO_NUMERIC);

interface Round {
  readonly bareMs: number;
  readonly backfillMs: number;
  readonly idle: readonly number[];
  readonly during: readonly number[];
}

export async function measure(extent: Extent): Promise<Bar[]> {
  await using postgres = await startBenchPostgres();
  const [rows, rounds] = extent === "short" ? [2_000, 1] : [200_000, 7];
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    measured.push(await measureRound(postgres, rows, extent === "short" ? 200 : 4_000));
  }
  const of = (name: "bareMs" | "backfillMs"): number[] => measured.map((round) => round[name]);
  const p99s = (name: "idle" | "during"): number[] => measured.map((round) => p99Of(round[name]));
  const writes = measured.reduce((sum, { during }) => sum + during.length, 0);
  console.log(`Backfill of ${rows} rows, ${rounds} rounds, ${writes} transactions meanwhile`);
  console.log(describeTimes("one bare update, alone", of("bareMs")));
  console.log(describeTimes("backfill, with a writer", of("backfillMs"), of("bareMs")));
  console.log(
    describeTimes(
      "writer, idle: p50",
      measured.map(({ idle }) => spreadOf(idle).median),
    ),
  );
  console.log(
    describeTimes(
      "writer, during the backfill: p50",
      measured.map(({ during }) => spreadOf(during).median),
    ),
  );
  console.log(describeTimes("writer, idle: p99", p99s("idle")));
  console.log(describeTimes("writer, during the backfill: p99", p99s("during"), p99s("idle")));
  return [
    {
      promise: "backfill with a writer, against one bare update of the same rows",
      measured: ratiosOf(of("backfillMs"), of("bareMs")),
      unit: "×",
      most: 2,
    },
    {
      promise: "p99 of the writer during the backfill, against its p99 before",
      measured: ratiosOf(p99s("during"), p99s("idle")),
      unit: "×",
      most: 5,
    },
  ];
}

async function measureRound(postgres: BenchPostgres, rows: number, idleMs: number): Promise<Round> {
  const client = await postgres.connect();
  const user = await postgres.connect();
  try {
    await fill(client, BARE, rows);
    await client.query(`alter table ${BARE}.invoices add column amount numeric(12, 2)`);
    await client.query("checkpoint");
    const bareMs = await timed(() => client.query(`update ${BARE}.invoices set amount = cents / 100.0`));
    await client.query(`drop schema ${BARE} cascade`);

    await fill(client, LIVE, rows);
    await client.query("checkpoint");
    const live = openLiveSchema({ client, schema: LIVE });
    const idle = await writeWhile(user, rows, () => sleep(idleMs));
    await live.start("1.0.0", RELEASE);
    await client.query("checkpoint");
    let backfillMs = 0;
    const during = await writeWhile(user, rows, async () => {
      const batches = live.backfill("2.0.0")[Symbol.asyncIterator]();
      backfillMs = await timed(async () => {
        while ((await batches.next()).done !== true);
      });
    });
    await check(client);
    await live.complete("2.0.0");
    await client.query(`drop schema ${LIVE} cascade`);
    return { bareMs, backfillMs, idle, during };
  } finally {
    await user.end();
    await client.end();
  }
}

async function fill(client: pg.Client, schema: string, rows: number): Promise<void> {
  await createInvoices(client, schema);
  await client.query(`drop index ${schema}.invoices_customer;
    insert into ${schema}.invoices (customer, cents, details) select 'customer ' || n % 1000, n % 100000,
      jsonb_build_object('note', md5(n::text), 'n', n) from generate_series(1, ${rows}) n;
    create index invoices_customer on ${schema}.invoices (customer)`);
  await client.query(`vacuum analyze ${schema}.invoices`);
}

/** Writes as a user of the older version until the work has ended. Milliseconds of each transaction. */
async function writeWhile(user: pg.Client, rows: number, work: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  const ended = new AbortController();
  const working = work().finally(() => ended.abort());
  const path = `"${viewSchemaName(LIVE, "1.0.0")}", ${LIVE}, pg_temp`;
  for (let n = 1; !ended.signal.aborted; n += 1) {
    const id = 1 + ((n * 7_919) % rows);
    times.push(
      await timed(async () => {
        await user.query(`begin; set local search_path to ${path}; set local aibos.version to '1.0.0'`);
        await user.query("update invoices set cents = cents + 1 where id = $1", [id]);
        await user.query("commit");
      }),
    );
    await sleep(PAUSE_MS);
  }
  await working;
  return times;
}

async function check(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ wrong: number }>(
    `select count(*)::int as wrong from "${viewSchemaName(LIVE, "1.0.0")}".invoices a
       join "${viewSchemaName(LIVE, "2.0.0")}".invoices b using (id) where b.cents is distinct from a.cents / 100.0`,
  );
  assert.equal(rows[0]?.wrong, 0, "rows that the two versions show differently");
}

function p99Of(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.ceil(0.99 * sorted.length) - 1] ?? Number.NaN;
}
