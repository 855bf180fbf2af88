import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { startLocalPostgres } from "@aibos/local-postgres";
import { dropSchemaCopy, fingerprintSchema, openLiveSchema, quoteIdentifier } from "@aibos/tenant-data";
import { startWriting } from "./crash-test-data/ledger-of-writes.ts";
import { COPY, ROWS, SCHEMA, TABLES } from "./crash-test-data/subject.ts";

// Kills the program that works on a tenant's data, or the PostgreSQL server under it, with SIGKILL at random instants
// of each kind of work, while users write. Run again, the work must come to its end, every write that the server
// acknowledged must be there, and nothing may be left behind. --kills says how often (200), --short takes 20; --seed
// repeats a run.

const { values } = parseArgs({
  options: { kills: { type: "string" }, short: { type: "boolean", default: false }, seed: { type: "string" } },
});
const kills = Number(values.kills ?? (values.short ? 20 : 200));
let seed = Number(values.seed ?? Date.now() % 1_000_000);
const say = (text: string): void => console.log(text);
say(`${kills} kills, seed ${seed}`);

/** A small generator of numbers from 0 to 1 that a seed repeats (mulberry32, public domain). */
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}

interface Kind {
  readonly action: string;
  /** Done before, undisturbed. */
  readonly after: readonly string[];
  /** The version through which users write meanwhile; undefined for nobody. */
  readonly writer: "1" | "2" | undefined;
}

const KINDS: readonly Kind[] = [
  { action: "start", after: [], writer: "1" },
  { action: "complete", after: ["start"], writer: "2" },
  { action: "rollback", after: ["start"], writer: "1" },
  { action: "snapshot", after: [], writer: "1" },
  { action: "restore", after: ["snapshot"], writer: undefined },
];

const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-crash-data-")));
let server = await startLocalPostgres({ folder });

function act(action: string): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, "crash-test-data/act.ts"), action], {
    env: { ...process.env, DATABASE_URL: server.url },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function actToTheEnd(action: string): Promise<string | undefined> {
  const child = act(action);
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  child.stdout?.resume();
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0 ? undefined : text.trim().split("\n").slice(0, 6).join(" ");
}

async function withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function prepare(): Promise<void> {
  await withClient(async (client) => {
    await dropSchemaCopy(client, COPY);
    const { rows } = await client.query<{ name: string }>(
      "select nspname as name from pg_namespace where nspname = $1 or nspname like $1 || '@%'",
      [SCHEMA],
    );
    for (const { name } of rows) await client.query(`drop schema ${quoteIdentifier(name)} cascade`);
    await client.query(`create schema ${quoteIdentifier(SCHEMA)}`);
    await client.query(`set search_path = ${quoteIdentifier(SCHEMA)}`);
    await client.query(TABLES);
  });
}

const insert = (kind: Kind): ((amount: number) => string) =>
  kind.writer === "2"
    ? (amount) => `insert into payments (id, amount_minor) values (${amount}, ${amount} * 100)`
    : (amount) => `insert into payments (id, amount) values (${amount}, ${amount})`;

/** What is not as it must be after the work came to its end. */
async function inspect(
  kind: Kind,
  before: string,
  written: { certain: ReadonlyMap<number, number>; unknown: ReadonlySet<number> } | undefined,
): Promise<string[]> {
  return withClient(async (client) => {
    const problems: string[] = [];
    const live = openLiveSchema({ client, schema: SCHEMA });
    const versions = await live.versions();
    const expected = kind.action === "start" ? ["1 active", "2 active"] : [];
    const found = versions.map(({ version, phase }) => `${version} ${phase}`);
    if (found.join() !== expected.join()) problems.push(`live are ${found.join() || "none"}`);
    const amount = kind.action === "complete" ? "amount_minor / 100.0" : "amount";
    const { rows } = await client.query<{ id: number; amount: string }>(
      `select id, (${amount})::float8 as amount from ${quoteIdentifier(SCHEMA)}.payments`,
    );
    const there = new Map(rows.map((row) => [row.id, Number(row.amount)]));
    for (const [id, value] of written?.certain ?? []) {
      if (there.get(id) !== value) problems.push(`payment ${id} is ${there.get(id) ?? "gone"}`);
    }
    for (let id = -ROWS; id < 0; id += 1) if (there.get(id) !== -id) problems.push(`payment ${id} is ${there.get(id)}`);
    const more = rows.filter(
      ({ id }) => id > 0 && written?.certain.has(id) !== true && written?.unknown.has(id) !== true,
    );
    if (more.length > 0) problems.push(`${more.length} payments that nobody made`);
    if (kind.action === "start") {
      const { rows: unequal } = await client.query<{ n: number }>(
        `select count(*)::int as n from ${quoteIdentifier(`${SCHEMA}@1`)}.payments a
           full join ${quoteIdentifier(`${SCHEMA}@2`)}.payments b using (id)
         where a.amount * 100 is distinct from b.amount_minor`,
      );
      if (unequal[0]?.n !== 0) problems.push(`${unequal[0]?.n} rows differ between the versions`);
      await live.rollback("2");
    }
    if (kind.action !== "complete") {
      // On a session of its own, as the one before.
      const { structure } = await withClient((other) => fingerprintSchema(other, SCHEMA));
      if (structure !== before) problems.push("the structure is not what it was");
    }
    const { rows: left } = await client.query<{ name: string }>(
      `select nspname as name from pg_namespace where nspname like $1 || '@%'
       union all select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relname like '%aibos%'
       union all select k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace
         where n.nspname = $1 and k.conname like '%aibos%'
       union all select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = $1 and p.proname like 'aibos%'`,
      [SCHEMA],
    );
    if (left.length > 0) problems.push(`left behind: ${left.map(({ name }) => name).join(", ")}`);
    return problems;
  });
}

/** How long each kind of work takes when nobody is killed, in milliseconds. */
const durations = new Map<string, number>();
let failures = 0;
try {
  for (let number = 1; number <= kills; number += 1) {
    const kind = KINDS[number % KINDS.length];
    if (kind === undefined) continue;
    await prepare();
    const before = await withClient(async (client) => (await fingerprintSchema(client, SCHEMA)).structure);
    for (const step of kind.after) {
      const failure = await actToTheEnd(step);
      if (failure !== undefined) throw new Error(`${step} failed undisturbed: ${failure}`);
    }
    if (!durations.has(kind.action)) {
      const begun = performance.now();
      const failure = await actToTheEnd(kind.action);
      if (failure !== undefined) throw new Error(`${kind.action} failed undisturbed: ${failure}`);
      durations.set(kind.action, performance.now() - begun);
      number -= 1;
      continue;
    }
    const writing =
      kind.writer === undefined
        ? undefined
        : startWriting(() => server.url, SCHEMA, { version: kind.writer, column: insert(kind), firstKey: 1 });
    const killServer = random() < 0.5;
    const child = act(kind.action);
    child.stderr?.resume();
    child.stdout?.resume();
    const ended = once(child, "close");
    const delay = random() * (durations.get(kind.action) ?? 0) * 1.2;
    await sleep(delay);
    if (killServer) {
      process.kill(server.pid, "SIGKILL");
      await ended;
      server = await startLocalPostgres({ folder });
    } else {
      child.kill("SIGKILL");
      await ended;
    }
    let failure = await actToTheEnd(kind.action);
    // What was killed may still hold its locks for a moment.
    for (let tries = 1; failure !== undefined && tries < 3; tries += 1) failure = await actToTheEnd(kind.action);
    const problems = failure === undefined ? [] : [`run again it fails: ${failure}`];
    const written = await writing?.stop().catch((error: unknown) => {
      problems.push(`a user was refused: ${String(error)}`);
      return undefined;
    });
    problems.push(...(await inspect(kind, before, written)));
    if (problems.length > 0) failures += 1;
    const what = `${kind.action}, ${killServer ? "server" : "program"} killed after ${Math.round(delay)} ms`;
    say(
      `${number}/${kills} ${what}, ${written?.certain.size ?? 0} writes: ` +
        (problems.length === 0 ? "ok" : `FAILED: ${problems.slice(0, 5).join("; ")}`),
    );
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
say(`${kills} kills, ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
