import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fingerprintSchema } from "@aibos/tenant-data";
import pg from "pg";
import { spreadOf } from "../spread.ts";
import { type Bar, type Extent, ratiosOf } from "./bar.ts";
import { type DebianPostgres, startDebianPostgres } from "./debian-postgres.ts";

// Our backup and restore against pg_dump and pg_restore of the same server's major (custom format), in turns, so that a
// slow moment of the machine hits all. All run against the same database; restores go into fresh ones.

const MB = 1024 * 1024;

export async function measure(extent: Extent): Promise<Bar[]> {
  await using postgres = await startDebianPostgres();
  if (postgres === undefined) {
    console.log("Backup: skipped, no pg_dump in /usr/lib/postgresql. Install one: apt-get install postgresql");
    return [];
  }
  console.log(`Backup and restore, against pg_dump and pg_restore of PostgreSQL ${postgres.version}`);
  if (extent === "short") return (await measureSize(postgres, 1, 1)).bars;
  const bars: Bar[] = [];
  const peaks: number[] = [];
  for (const size of extent === "long" ? [10, 200, 2_000] : [10, 200]) {
    const measured = await measureSize(postgres, size, size < 100 ? 9 : size < 1_000 ? 5 : 3);
    bars.push(...measured.bars);
    peaks.push(measured.peak);
  }
  const growth = (peaks.at(-1) ?? 0) / (peaks[0] ?? 1);
  return [
    ...bars,
    {
      promise: `most memory of our processes, of ${extent === "long" ? "2 GB" : "200 MB"} against 10 MB`,
      measured: spreadOf([growth]),
      unit: "×",
      most: 1.5,
    },
  ];
}

type Work = () => Promise<{ ms: number; peak?: number; idle?: number }>;

async function measureSize(
  postgres: DebianPostgres,
  size: number,
  rounds: number,
): Promise<{ bars: Bar[]; peak: number }> {
  const database = `source_${size}`;
  await fill(postgres, database, size);
  const original = size > LARGEST_TO_READ ? undefined : await fingerprintOf(postgres.url(database));
  const ours = join(postgres.folder, "ours.backup");
  const gzip = join(postgres.folder, "gzip.backup");
  const theirs = (level: string): string => join(postgres.folder, `theirs${level}.dump`);
  const dump = (level: string): Work => {
    const parameters = ["-Fc", ...(level === "" ? [] : [`-Z${level}`]), "-n", "bench", "-f", theirs(level)];
    return () => timed(() => postgres.run("pg_dump", ...parameters, "-d", postgres.url(database)));
  };
  const works: Record<string, Work> = {
    "our backup, zstd 1": () => inProcess("backup", postgres.url(database), ours),
    "our backup, gzip 1": () => inProcess("backup", postgres.url(database), gzip, "gzip"),
    "pg_dump, gzip 6 (its default)": dump(""),
    "pg_dump, gzip 1": dump("1"),
    "pg_dump, uncompressed": dump("0"),
    "our restore, zstd 1": () => intoFresh(postgres, (url) => inProcess("restore", url, ours), original),
    "our restore, gzip 1": () => intoFresh(postgres, (url) => inProcess("restore", url, gzip), original),
    "pg_restore, gzip 6": () => intoFresh(postgres, (url) => restore(url, "")),
    "pg_restore, gzip 1": () => intoFresh(postgres, (url) => restore(url, "1")),
    "pg_restore, uncompressed": () => intoFresh(postgres, (url) => restore(url, "0")),
  };
  const restore = (url: string, level: string): ReturnType<Work> =>
    timed(() => postgres.run("pg_restore", "-d", url, theirs(level)));
  const times = new Map<string, number[]>();
  const peaks = new Map<string, number[]>();
  for (let round = rounds === 1 ? 0 : -1; round < rounds; round += 1) {
    for (const [name, work] of Object.entries(works)) {
      const { ms, peak } = await work();
      if (round < 0) continue;
      times.set(name, [...(times.get(name) ?? []), ms]);
      if (peak !== undefined) peaks.set(name, [...(peaks.get(name) ?? []), peak]);
    }
  }
  const megabytes = async (path: string): Promise<string> => ((await stat(path)).size / MB).toFixed(1);
  console.log(
    `\n${size} MB of rows, ${rounds} rounds. Files in MB: zstd 1 ${await megabytes(ours)}, gzip 1 ` +
      `${await megabytes(gzip)}; pg_dump: gzip 6 ${await megabytes(theirs(""))}, gzip 1 ${await megabytes(theirs("1"))}, ` +
      `uncompressed ${await megabytes(theirs("0"))}`,
  );
  const headings = ["median", "min", "p90", "peak MB"].map((heading) => heading.padStart(10)).join("");
  console.log(`${"ms".padEnd(32)}${headings}`);
  for (const [name, rounded] of times) {
    const { median, min, p90 } = spreadOf(rounded);
    const peak = peaks.get(name);
    const memory = peak === undefined ? "" : (spreadOf(peak).median / MB).toFixed(0);
    console.log(
      name.padEnd(32) + [median, min, p90].map((ms) => ms.toFixed(0).padStart(10)).join("") + memory.padStart(10),
    );
  }
  const ratios = PAIRS.map(({ mine, peer, most }) => ({
    promise: `${size} MB: ${mine}, against ${peer}`,
    measured: ratiosOf(times.get(mine) ?? [], times.get(peer) ?? []),
    unit: "×" as const,
    most,
  }));
  for (const { promise, measured } of ratios) {
    console.log(`${promise}: ${measured.median.toFixed(2)} (${measured.p10.toFixed(2)} to ${measured.p90.toFixed(2)})`);
  }
  await admin(postgres, `drop database ${database}`);
  return {
    bars: ratios.flatMap(({ most, ...ratio }) => (most === undefined ? [] : [{ ...ratio, most }])),
    peak: Math.max(...[...peaks.values()].map((all) => spreadOf(all).median)),
  };
}

/** Our default against theirs, and like against like, are promised. PostgreSQL 15 knows no zstd. */
const PAIRS: readonly { readonly mine: string; readonly peer: string; readonly most?: number }[] = [
  { mine: "our backup, zstd 1", peer: "pg_dump, gzip 6 (its default)", most: 1 },
  { mine: "our backup, gzip 1", peer: "pg_dump, gzip 1", most: 1 },
  { mine: "our backup, zstd 1", peer: "pg_dump, uncompressed" },
  { mine: "our restore, zstd 1", peer: "pg_restore, gzip 6", most: 1 },
  { mine: "our restore, gzip 1", peer: "pg_restore, gzip 1", most: 1 },
  { mine: "our restore, zstd 1", peer: "pg_restore, uncompressed" },
];

/** In MB: what is restored is compared with what was there up to this size. */
const LARGEST_TO_READ = 200;

async function fingerprintOf(url: string): Promise<{ structure: string; data: string }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { structure, data } = await fingerprintSchema(client, "bench");
  await client.end();
  return { structure, data };
}

async function timed(work: () => Promise<void>): Promise<{ ms: number }> {
  const start = performance.now();
  await work();
  return { ms: performance.now() - start };
}

async function intoFresh(
  postgres: DebianPostgres,
  work: (url: string) => ReturnType<Work>,
  original?: Awaited<ReturnType<typeof fingerprintOf>>,
): ReturnType<Work> {
  await admin(postgres, "create database target", "checkpoint");
  const result = await work(postgres.url("target"));
  if (original !== undefined) assert.deepEqual(await fingerprintOf(postgres.url("target")), original);
  await admin(postgres, "drop database target");
  return result;
}

function inProcess(...parameters: string[]): ReturnType<Work> {
  const program = fileURLToPath(import.meta.resolve("./backup-process.ts"));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...parameters], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve(JSON.parse(output) as { ms: number; peak: number; idle: number });
      else reject(new Error(`${parameters[0]} ended with ${code}`));
    });
  });
}

/** Rows as an application has them, with keys and indexes: about `size` MB as COPY writes them. */
async function fill(postgres: DebianPostgres, database: string, size: number): Promise<void> {
  await admin(postgres, `create database ${database}`);
  const client = new pg.Client({ connectionString: postgres.url(database) });
  await client.connect();
  const invoices = size * 2_600;
  await client.query(`
    create schema bench;
    set search_path to bench;
    create table customers (id bigint generated always as identity primary key, name text not null, mail text not null,
      since date not null, unique (mail));
    create table invoices (id bigint generated always as identity primary key,
      customer bigint not null references customers (id), number text not null unique, issued timestamptz not null,
      amount numeric(12, 2) not null, paid boolean not null default false, note text, details jsonb not null);
    create index on invoices (customer);
    create table lines (invoice bigint not null references invoices (id), position integer not null, item text not null,
      quantity numeric not null, price numeric(12, 2) not null, primary key (invoice, position));
    insert into customers (name, mail, since) select 'Customer ' || md5(n::text), md5(n::text) || '@example.com',
      date '2020-01-01' + n % 1500 from generate_series(1, ${invoices} / 20 + 1) n;
    insert into invoices (customer, number, issued, amount, paid, note, details)
      select 1 + n % (${invoices} / 20), 'INV-' || n, timestamptz '2021-01-01 08:00Z' + n * interval '37 seconds',
        (n::bigint * 7919 % 1000000) / 100.0, n % 3 = 0, case when n % 4 = 0 then null else 'to be paid by ' || md5(n::text) end,
        jsonb_build_object('terms', n % 30, 'currency', 'EUR', 'tags', jsonb_build_array('a' || n % 7, 'b' || n % 11))
      from generate_series(1, ${invoices}) n;
    insert into lines select n / 4 + 1, n % 4, 'item ' || md5(n::text), n % 10 + 1, (n % 10000) / 100.0
      from generate_series(0, ${invoices} * 4 - 1) n;
  `);
  await client.query("vacuum analyze");
  await client.query("checkpoint");
  await client.end();
}

async function admin(postgres: DebianPostgres, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url("postgres") });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
