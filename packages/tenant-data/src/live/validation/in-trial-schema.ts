import { createHash } from "node:crypto";
import type { ClientBase } from "pg";
import { searchPathOf } from "../../fingerprint/search-path.ts";
import { queryAllNaming, StatementError } from "../../query-all.ts";
import { quoteIdentifier } from "../../quote-identifier.ts";
import { CopyUnsupportedError } from "../../schema-copy/copy-unsupported-error.ts";
import { readDefinitions } from "../../schema-copy/read-definitions.ts";
import { withSettings } from "../../with-settings.ts";
import type { LockPatience } from "../lock-retry.ts";
import { mayCreateSchemas } from "../may-create-schemas.ts";
import { ENGINE_TABLES } from "../version-model.ts";
import { viewSchemaName } from "../version-views.ts";

export interface Trial {
  /** The schema with the structure of the data's, without rows. */
  readonly schema: string;
}

/** A trial is short: everything in it is empty. */
const STATEMENT_TIMEOUT_MS = 60_000;

/**
 * Makes a copy of a schema's structure in a transaction, does work on it, and takes everything back. Of the real tables
 * only the engine's own are read; none is locked.
 *
 * Where the session may not make schemas, empty ones are made for it before, and dropped after; a killed session leaves
 * those to the next trial.
 *
 * @param versions which versions' view schemas the work needs
 * @throws CopyUnsupportedError when the structure can't be made a second time
 */
export async function inTrialSchema<T>(
  client: ClientBase,
  schema: string,
  {
    versions,
    patience,
    createSchema,
  }: { versions: readonly string[]; patience: LockPatience; createSchema: (name: string) => Promise<void> },
  work: (trial: Trial) => Promise<T>,
): Promise<T> {
  const trial = `aibos_trial_${createHash("sha256").update(schema).digest("hex").slice(0, 16)}`;
  const names = [trial, ...versions.map((version) => viewSchemaName(trial, version))];
  await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [trial]);
  try {
    const itself = await mayCreateSchemas(client);
    await dropSchemas(client, await leftovers(client, trial));
    if (!itself) for (const name of names) await createSchema(name);
    await client.query(
      `begin; set local lock_timeout = ${patience.lockTimeoutMs}; set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
    );
    try {
      if (itself) for (const name of names) await client.query(`create schema ${quoteIdentifier(name)}`);
      await copyStructure(client, schema, trial);
      await client.query(`set local search_path = ${quoteIdentifier(trial)}, aibos_extensions, pg_temp`);
      return await work({ schema: trial });
    } finally {
      await client.query("rollback").catch(() => undefined);
      if (!itself) await dropSchemas(client, names);
    }
  } finally {
    await client.query("select pg_advisory_unlock(hashtextextended($1, 0))", [trial]).catch(() => undefined);
  }
}

async function leftovers(client: ClientBase, trial: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select nspname as name from pg_namespace where nspname = $1 or starts_with(nspname::text, $1 || '@')",
    [trial],
  );
  return rows.map(({ name }) => name);
}

async function dropSchemas(client: ClientBase, names: readonly string[]): Promise<void> {
  for (const name of names) await client.query(`drop schema if exists ${quoteIdentifier(name)}`);
}

async function copyStructure(client: ClientBase, from: string, to: string): Promise<void> {
  const { beforeData, afterData } = await withSettings(client, { search_path: await searchPathOf(client, from) }, () =>
    readDefinitions(client, from),
  );
  const outside = await keysToOutside(client, from);
  const statements = [...beforeData, ...afterData].filter(({ key }) => key === null || !outside.has(key));
  const settings = { search_path: await searchPathOf(client, to), check_function_bodies: "off", jit: "off" };
  await withSettings(client, settings, async () => {
    await queryAllNaming(
      client,
      statements.map(({ statement }) => statement),
    ).catch((error: unknown) => {
      if (error instanceof StatementError)
        throw new CopyUnsupportedError(from, [error.message], { cause: error.cause });
      throw error;
    });
    for (const table of ENGINE_TABLES) {
      const source = `${quoteIdentifier(from)}.${table}`;
      const { rows } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [source]);
      if (rows[0]?.there !== true) continue;
      await client.query(`insert into ${quoteIdentifier(to)}.${table} select * from ${source}`);
    }
  });
}

/** Foreign keys to tables elsewhere, which making them again would lock. */
async function keysToOutside(client: ClientBase, schema: string): Promise<Set<string>> {
  const { rows } = await client.query<{ key: string }>(
    `select 'pg_constraint'::regclass::oid || ':' || k.oid as key from pg_constraint k
       join pg_class r on r.oid = k.confrelid join pg_namespace n on n.oid = k.connamespace
     where k.contype = 'f' and n.nspname = $1 and r.relnamespace <> n.oid`,
    [schema],
  );
  return new Set(rows.map(({ key }) => key));
}
