import type pg from "pg";
import {
  createSchemaCopy,
  dropSchemaCopy,
  openLiveSchema,
  restoreBackup,
  restoreSchemaCopy,
  writeBackup,
} from "@aibos/tenant-data";
import { BACK, COPY, RELEASE, SCHEMA } from "./subject.ts";

/** Does one thing to the data. What is done already is left alone. */
export async function act(client: pg.Client, action: string, backup: string): Promise<void> {
  const live = openLiveSchema({ client, schema: SCHEMA });
  switch (action) {
    case "validate": {
      const { findings } = await live.validate("1", RELEASE);
      const errors = findings.filter(({ severity }) => severity === "error");
      if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join(" "));
      return;
    }
    case "start":
      await live.start("1", RELEASE);
      for await (const { version } of live.backfill("2")) void version;
      return;
    case "expand":
      return live.start("1", RELEASE);
    case "fill some rows":
      for await (const { rowsDone } of live.backfill("2")) if (rowsDone > 0) break;
      return;
    case "complete":
      return live.complete("2");
    case "rollback":
      await live.rollback("2");
      return;
    case "snapshot":
      return inTransaction(client, "begin isolation level repeatable read", async () => {
        await dropSchemaCopy(client, COPY);
        await createSchemaCopy(client, { from: SCHEMA, to: COPY });
      });
    case "restore":
      if (!(await isThere(client, COPY))) return;
      return inTransaction(client, "begin", () => restoreSchemaCopy(client, { copy: COPY, schema: SCHEMA }));
    case "backup":
      await writeBackup(client, { schema: SCHEMA, metadata: null }, backup);
      return;
    case "restore-backup": {
      if (await isThere(client, BACK)) return;
      const { rows } = await client.query<{ owner: string }>("select current_user as owner");
      await restoreBackup(client, backup, { schema: BACK, owner: rows[0]?.owner ?? "" });
      return;
    }
    default:
      throw new RangeError(`There is no action ${action}.`);
  }
}

async function isThere(client: pg.Client, schema: string): Promise<boolean> {
  return (await client.query("select from pg_namespace where nspname = $1", [schema])).rowCount === 1;
}

async function inTransaction(client: pg.Client, begin: string, work: () => Promise<unknown>): Promise<void> {
  await client.query(begin);
  try {
    await work();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}
