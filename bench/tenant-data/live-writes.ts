import assert from "node:assert/strict";
import { openLiveSchema, viewSchemaName } from "@aibos/tenant-data";
import type pg from "pg";
import { type Bar, describeTimes, type Extent, ratiosOf, timed } from "./bar.ts";
import { startBenchPostgres } from "./bench-postgres.ts";
import { createInvoices, TO_NUMERIC, releaseOf } from "./invoices.ts";

// Writes to a plain table against the same writes to a table of a live schema: with one version live, and with two that a
// converting trigger keeps equal, through the views of either. Rows by the statement, where nothing hides what a row
// costs, and one row by transaction, as modules write. All in turns. A second plain table says what is no difference.

const PLAIN = "plain";
const AGAIN = "plain_again";
const ONE = "one_live";
const TWO = "two_live";

const RELEASE = releaseOf(TO_NUMERIC, { rename_column: { table: "invoices", from: "cents", to: "amount" } });

interface Writer {
  readonly name: string;
  readonly schema: string;
  readonly version: string;
  readonly column: "cents" | "amount";
}

const WRITERS: readonly Writer[] = [
  { name: "plain", schema: PLAIN, version: "1.0.0", column: "cents" },
  { name: "plain, again", schema: AGAIN, version: "1.0.0", column: "cents" },
  { name: "one version live", schema: ONE, version: "2.0.0", column: "amount" },
  { name: "two live, as the older", schema: TWO, version: "1.0.0", column: "cents" },
  { name: "two live, as the newer", schema: TWO, version: "2.0.0", column: "amount" },
];

export async function measure(extent: Extent): Promise<Bar[]> {
  await using postgres = await startBenchPostgres();
  const client = await postgres.connect();
  const [rows, singles, rounds] = extent === "short" ? [200, 5, 1] : [10_000, 200, 31];
  try {
    await prepare(client);
    // The disk's time is the same for all, varies most, and would hide what a row costs.
    await client.query("set synchronous_commit = off");
    console.log(`Writes through live views: ${rows} rows by statement, ${singles} rows one by one, ${rounds} rounds`);
    const times = new Map<string, Map<string, number[]>>();
    for (let round = extent === "short" ? 0 : -2; round < rounds; round += 1) {
      for (const turn of WRITERS.keys()) {
        const writer = WRITERS[(turn + round + 2) % WRITERS.length] ?? WRITERS[0];
        if (writer === undefined) continue;
        for (const [kind, ms] of Object.entries(await write(client, writer, { rows, singles }))) {
          const byWriter = times.get(kind) ?? new Map<string, number[]>();
          if (round >= 0) byWriter.set(writer.name, [...(byWriter.get(writer.name) ?? []), ms]);
          times.set(kind, byWriter);
        }
      }
    }
    return [...times].flatMap(([kind, byWriter]) => report(kind, byWriter));
  } finally {
    await client.end();
  }
}

async function prepare(client: pg.Client): Promise<void> {
  for (const schema of [PLAIN, AGAIN, ONE, TWO]) {
    await createInvoices(client, schema);
  }
  for (const schema of [ONE, TWO]) {
    const live = openLiveSchema({ client, schema });
    await live.start("1.0.0", RELEASE);
    for await (const progress of live.backfill("2.0.0")) assert.equal(progress.rowsDone, 0);
    if (schema === ONE) await live.complete("2.0.0");
  }
}

/** Milliseconds by kind of write, into a table that is empty at first. */
async function write(
  client: pg.Client,
  { schema, version, column }: Writer,
  { rows, singles }: { rows: number; singles: number },
): Promise<Record<string, number>> {
  await client.query(`truncate ${schema}.invoices restart identity`);
  const settings = `set local search_path to "${viewSchemaName(schema, version)}", ${schema}, pg_temp;
    set local aibos.version to '${version}'`;
  const transaction = async (sql: string, values: unknown[] = []): Promise<void> => {
    await client.query(`begin; ${settings}`);
    await client.query(sql, values);
    await client.query("commit");
  };
  const factor = column === "cents" ? 100 : 1;
  const inserted = await timed(() =>
    transaction(
      `insert into invoices (customer, ${column}, details) select 'customer ' || n, n * ${factor},
         jsonb_build_object('note', md5(n::text)) from generate_series(1, $1::integer) n`,
      [rows],
    ),
  );
  const updated = await timed(() => transaction(`update invoices set ${column} = ${column} + ${factor}`));
  const one = await timed(async () => {
    for (let n = 1; n <= singles; n += 1) {
      await transaction(`insert into invoices (customer, ${column}, details) values ($1, $2, $3)`, [
        `customer ${n}`,
        n * factor,
        { note: n },
      ]);
    }
  });
  const two = await timed(async () => {
    for (let n = 1; n <= singles; n += 1) {
      await transaction(`update invoices set ${column} = $2 where id = $1`, [n, n * 2 * factor]);
    }
  });
  await check(client, schema, { rows, singles });
  return {
    "insert, by the statement": inserted,
    "update, by the statement": updated,
    "insert, one by one": one,
    "update, one by one": two,
  };
}

/** What one writer wrote must be what every version reads. */
async function check(
  client: pg.Client,
  schema: string,
  { rows, singles }: { rows: number; singles: number },
): Promise<void> {
  const changed = Math.min(rows, singles);
  const sum = (from: number, to: number): number => ((to - from + 1) * (from + to)) / 2;
  const total = 2 * sum(1, changed) + sum(changed + 1, rows) + (rows - changed) + sum(1, singles);
  const sources: (readonly [string, string])[] =
    schema === TWO
      ? [
          [`"${viewSchemaName(schema, "1.0.0")}".invoices`, "sum(cents) / 100"],
          [`"${viewSchemaName(schema, "2.0.0")}".invoices`, "sum(amount)"],
        ]
      : [[`${schema}.invoices`, schema === ONE ? "sum(amount)" : "sum(cents) / 100"]];
  for (const [source, expression] of sources) {
    const { rows: found } = await client.query<{ total: number }>(
      `select (${expression})::float8 as total from ${source}`,
    );
    assert.equal(found[0]?.total, total, `the sum that ${source} shows`);
  }
}

function report(kind: string, byWriter: ReadonlyMap<string, readonly number[]>): Bar[] {
  const of = (name: string): readonly number[] => byWriter.get(name) ?? [];
  console.log(`\n${kind}`);
  for (const [name, ms] of byWriter) console.log(describeTimes(name, ms, of("plain")));
  const noise = ratiosOf(of("plain, again"), of("plain"));
  return [
    {
      promise: `${kind}: one version live, against plain (most: p90 of plain again)`,
      measured: ratiosOf(of("one version live"), of("plain")),
      unit: "×",
      most: noise.p90,
    },
    ...["two live, as the older", "two live, as the newer"].map((name): Bar => ({
      promise: `${kind}: ${name}, against plain`,
      measured: ratiosOf(of(name), of("plain")),
      unit: "×",
      most: 3,
    })),
  ];
}
