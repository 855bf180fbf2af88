import pg from "pg";
import { createSchemaCopy, dropSchemaCopy, openLiveSchema, restoreSchemaCopy } from "@aibos/tenant-data";
import { COPY, RELEASE, SCHEMA } from "./subject.ts";

// A program that does one thing to the data and ends; the crash test kills it in the midst, and runs it again.

const [action = ""] = process.argv.slice(2);
const client = new pg.Client({ connectionString: process.env["DATABASE_URL"] });
// The statement that was under way says it.
client.on("error", () => undefined);
await client.connect();
const live = openLiveSchema({ client, schema: SCHEMA });

const ACTIONS: Readonly<Record<string, () => Promise<unknown>>> = {
  async start() {
    await live.start("1", RELEASE);
    for await (const { rowsDone } of live.backfill("2")) process.stdout.write(`${rowsDone}\n`);
  },
  complete: () => live.complete("2"),
  rollback: () => live.rollback("2"),
  async snapshot() {
    await inTransaction("begin isolation level repeatable read", async () => {
      await dropSchemaCopy(client, COPY);
      await createSchemaCopy(client, { from: SCHEMA, to: COPY });
    });
  },
  async restore() {
    const { rowCount } = await client.query("select from pg_namespace where nspname = $1", [COPY]);
    if (rowCount === 0) return;
    await inTransaction("begin", async () => {
      await restoreSchemaCopy(client, { copy: COPY, schema: SCHEMA });
    });
  },
};

async function inTransaction(begin: string, work: () => Promise<void>): Promise<void> {
  await client.query(begin);
  await work();
  await client.query("commit");
}

await ACTIONS[action]?.();
await client.end();
