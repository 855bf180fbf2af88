import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import type pg from "pg";
import { fingerprintSchema, openLiveSchema, quoteIdentifier, verifyBackup } from "@aibos/tenant-data";
import type { Kind } from "./kinds.ts";
import { BACK, COPY, ROWS, SCHEMA } from "./subject.ts";

export interface Inspection {
  readonly kind: Kind;
  /** The structure before anything was done. */
  readonly before: string;
  readonly backup: string;
  readonly written:
    | { readonly certain: ReadonlyMap<number, number>; readonly unknown: ReadonlySet<number> }
    | undefined;
}

type WithClient = <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;

/** What is not as it must be after the work came to its end. */
export function inspect(withClient: WithClient, inspection: Inspection): Promise<string[]> {
  const { kind, before, backup } = inspection;
  return withClient(async (client) => {
    const problems: string[] = [];
    problems.push(...(await inspectRows(client, inspection)));
    if (kind.action === "snapshot") {
      const copied = await structureOf(withClient, COPY);
      if (copied !== (await structureOf(withClient, SCHEMA))) problems.push("the copy is not what was copied");
      const rows = await countPayments(client, COPY);
      if (rows < ROWS) problems.push(`the copy has ${rows} payments`);
    }
    problems.push(...(await inspectVersions(client, SCHEMA, kind)));
    if (kind.action === "backup") {
      const left = (await readdir(dirname(backup))).filter((name) => name.includes(".backup"));
      if (left.length !== 1) problems.push(`files left behind: ${left.join(", ")}`);
      const rows = (await verifyBackup(backup)).tables.find(({ name }) => name === "payments")?.rows ?? 0;
      if (rows < ROWS) problems.push(`the backup has ${rows} payments`);
    }
    if (kind.action === "restore-backup") {
      const kept = (await verifyBackup(backup)).tables.find(({ name }) => name === "payments")?.rows ?? 0;
      const rows = await countPayments(client, BACK);
      if (rows !== kept) problems.push(`what was restored has ${rows} payments, and the backup ${kept}`);
      // It writes a row through each version.
      problems.push(...(await inspectVersions(client, BACK, kind)));
      if ((await structureOf(withClient, BACK)) !== before) problems.push("what was restored has another structure");
    }
    if (kind.ends !== "2" && (await structureOf(withClient, SCHEMA)) !== before) {
      problems.push("the structure is not what it was");
    }
    problems.push(...(await leftBehind(client)));
    return problems;
  });
}

/** On a session of its own, which nobody set anything for. */
function structureOf(withClient: WithClient, schema: string): Promise<string> {
  return withClient(async (client) => (await fingerprintSchema(client, schema)).structure);
}

async function countPayments(client: pg.Client, schema: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from ${quoteIdentifier(schema)}.payments`,
  );
  return rows[0]?.count ?? 0;
}

async function inspectRows(client: pg.Client, { kind, written }: Inspection): Promise<string[]> {
  const problems: string[] = [];
  const amount = kind.ends === "2" ? "amount_minor / 100.0" : "amount";
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
  return problems;
}

/** Sees which versions are live and that they agree, writes through each, and takes the newer one back. */
async function inspectVersions(client: pg.Client, schema: string, { ends }: Kind): Promise<string[]> {
  const problems: string[] = [];
  const live = openLiveSchema({ client, schema });
  const found = (await live.versions()).map(({ version, phase }) => `${version} ${phase}`);
  const expected = ends === "both" ? ["1 active", "2 active"] : [];
  if (found.join() !== expected.join()) problems.push(`live in ${schema} are ${found.join() || "none"}`);
  if (ends !== "both") return problems;
  const view = (version: string): string => `${quoteIdentifier(`${schema}@${version}`)}.payments`;
  const write = (version: string, sql: string): Promise<unknown> =>
    client.query(`begin; set local aibos.version = '${version}'; ${sql}; commit`);
  await write("1", `insert into ${view("1")} (id, amount) values (-1000001, 7)`);
  await write("2", `insert into ${view("2")} (id, amount_minor) values (-1000002, 800)`);
  const { rows } = await client.query<{ unequal: number; own: number }>(
    `select count(*) filter (where a.amount * 100 is distinct from b.amount_minor)::int as unequal,
       count(*) filter (where (id, amount) in ((-1000001, 7), (-1000002, 8)))::int as own
     from ${view("1")} a full join ${view("2")} b using (id)`,
  );
  if (rows[0]?.unequal !== 0) problems.push(`${rows[0]?.unequal} rows differ between the versions of ${schema}`);
  if (rows[0]?.own !== 2) problems.push(`the versions of ${schema} can't be written`);
  await live.rollback("2");
  return problems;
}

/** The history of what was completed stays. */
async function leftBehind(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select nspname as name from pg_namespace where nspname like '%@%' or nspname like 'aibos\\_trial%'
     union all select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = any ($1) and c.relname like '%aibos%' and not starts_with(c.relname, 'aibos_migrations')
     union all select k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace
       where n.nspname = any ($1) and k.conname like '%aibos%' and not starts_with(k.conname, 'aibos_migrations')
     union all select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = any ($1) and p.proname like 'aibos%'`,
    [[SCHEMA, BACK]],
  );
  return rows.length === 0 ? [] : [`left behind: ${rows.map(({ name }) => name).join(", ")}`];
}
