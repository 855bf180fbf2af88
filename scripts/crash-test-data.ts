import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { startLocalPostgres } from "@aibos/local-postgres";
import { dropSchemaCopy, fingerprintSchema, quoteIdentifier } from "@aibos/tenant-data";
import { act } from "./crash-test-data/actions.ts";
import { inspect } from "./crash-test-data/inspect.ts";
import { type Kind, KINDS } from "./crash-test-data/kinds.ts";
import { startWriting } from "./crash-test-data/ledger-of-writes.ts";
import { BACK, COPY, SCHEMA, TABLES } from "./crash-test-data/subject.ts";

// Kills the program that works on a tenant's data, or the PostgreSQL server under it, with SIGKILL at random instants
// of each kind of work, while users write. Run again, or taken back, the work must come to its end, every write that the
// server acknowledged must be there, and nothing may be left behind. A kill that comes when the work has ended already is
// not counted, and tried again. --kills says how often (200), --short takes 20; --seed repeats a run.

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

const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-crash-data-")));
const backup = join(folder, "books.backup");
let server = await startLocalPostgres({ folder });

interface Victim {
  readonly child: ChildProcess;
  /** Its exit code and the signal that ended it. */
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;
  /** Whether its work has ended. */
  readonly isDone: () => boolean;
}

/** A program that does one thing and is to be killed; resolves when it begins, since it takes long to get there. */
async function startVictim(action: string): Promise<Victim> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "crash-test-data/act.ts"), action, backup], {
    env: { ...process.env, DATABASE_URL: server.url },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(child, "close") as Victim["ended"];
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  await Promise.race([once(child.stdout, "data"), ended]);
  return { child, ended, isDone: () => said.includes("ended") };
}

/** Does one thing undisturbed. @returns why it failed */
function actToTheEnd(action: string): Promise<string | undefined> {
  return withClient((client) => act(client, action, backup)).then(
    () => undefined,
    (error: unknown) => String(error),
  );
}

async function withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server.url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function prepare(): Promise<void> {
  await withClient(async (client) => {
    await rm(backup, { force: true });
    for (const name of [COPY, BACK]) await dropSchemaCopy(client, name);
    const { rows } = await client.query<{ name: string }>(
      "select nspname as name from pg_namespace where nspname = $1 or nspname like '%@%'",
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

/** How long each kind of work takes when nobody is killed, in milliseconds. */
const durations = new Map<string, number>();
let failures = 0;
/** Kills that came too late. */
let late = 0;
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
    if (!durations.has(kind.name)) {
      const begun = performance.now();
      const failure = await actToTheEnd(kind.action);
      if (failure !== undefined) throw new Error(`${kind.action} failed undisturbed: ${failure}`);
      durations.set(kind.name, performance.now() - begun);
      if (kind.afterwards !== kind.action) await actToTheEnd(kind.afterwards);
      const problems = await inspect(withClient, { kind, before, backup, written: undefined });
      if (problems.length > 0) throw new Error(`${kind.name}, undisturbed: ${problems.join("; ")}`);
      number -= 1;
      continue;
    }
    const writing =
      kind.writer === undefined
        ? undefined
        : startWriting(() => server.url, SCHEMA, { version: kind.writer, column: insert(kind), firstKey: 1 });
    const killServer = random() < 0.5;
    const { child, ended, isDone } = await startVictim(kind.action);
    const duration = durations.get(kind.name) ?? 0;
    const delay = random() * duration;
    await sleep(delay);
    if (killServer) process.kill(server.pid, "SIGKILL");
    else child.kill("SIGKILL");
    const [code] = await ended;
    if (killServer) server = await startLocalPostgres({ folder });
    if (isDone() || code === 0) {
      late += 1;
      if (late > kills * 5 + 20) throw new Error(`${kind.name} ends before it can be killed.`);
      durations.set(kind.name, duration * 0.9);
      await writing?.stop().catch(() => undefined);
      number -= 1;
      continue;
    }
    let failure = await actToTheEnd(kind.afterwards);
    // What was killed may still hold its locks for a moment.
    for (let tries = 1; failure !== undefined && tries < 3; tries += 1) failure = await actToTheEnd(kind.afterwards);
    const problems = failure === undefined ? [] : [`run again it fails: ${failure}`];
    const written = await writing?.stop().catch((error: unknown) => {
      problems.push(`a user was refused: ${String(error)}`);
      return undefined;
    });
    problems.push(...(await inspect(withClient, { kind, before, backup, written })));
    if (problems.length > 0) failures += 1;
    const what = `${kind.name}, ${killServer ? "server" : "program"} killed after ${Math.round(delay)} ms`;
    say(
      `${number}/${kills} ${what}, ${written?.certain.size ?? 0} writes: ` +
        (problems.length === 0 ? "ok" : `FAILED: ${problems.slice(0, 5).join("; ")}`),
    );
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
say(`${kills} kills, ${failures} failures; ${late} more came when the work had ended`);
process.exitCode = failures === 0 ? 0 : 1;
