import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { describeDrift } from "./describe-drift.ts";
import { MigrationDriftError } from "./migration-drift-error.ts";
import { type HistoryEntry, migrationLabel } from "./migration.ts";

/** The table, in the tenant's own schema, that says which migrations its data went through. A copy carries it along. */
export const LEDGER_TABLE = "aibos_migrations";

export interface AppliedMigration extends HistoryEntry {
  /** The file's text; null in a ledger from before it was kept. */
  readonly content: string | null;
  /** False while a file runs that is not one transaction, and for ever when it was interrupted. */
  readonly finished: boolean;
}

/** What the data went through, in order; empty where nothing was applied. */
export async function readAppliedMigrations(
  client: Pick<ClientBase, "query">,
  schema: string,
): Promise<AppliedMigration[]> {
  const table = `${quoteIdentifier(schema)}.${LEDGER_TABLE}`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (found[0]?.there !== true) return [];
  // Older ledgers have neither content nor state.
  const { rows } = await client.query<AppliedMigration>(
    `select number::float8 as number, name, checksum, to_jsonb(l) ->> 'content' as content,
       coalesce((to_jsonb(l) ->> 'finished')::boolean, true) as finished
     from ${table} l order by l.number`,
  );
  return rows;
}

/** Makes the ledger, or brings an older one up to this program. As the owner of the schema. */
export async function prepareLedger(client: Pick<ClientBase, "query">, schema: string): Promise<void> {
  const table = `${quoteIdentifier(schema)}.${LEDGER_TABLE}`;
  const { rows } = await client.query<{ columns: string[] | null }>(
    `select array_agg(attname || ' ' || atttypid::regtype) as columns from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
    [table],
  );
  const columns = rows[0]?.columns ?? null;
  if (columns === null) {
    await client.query(
      `create table ${table} (
         number bigint primary key, name text not null, checksum text not null, content text,
         finished boolean not null default true, applied_at timestamptz not null default now())`,
    );
    return;
  }
  const missing = [
    ...(columns.includes("number integer") ? ["alter column number type bigint"] : []),
    ...(columns.includes("content text") ? [] : ["add column content text"]),
    ...(columns.includes("finished boolean") ? [] : ["add column finished boolean not null default true"]),
  ];
  if (missing.length > 0) await client.query(`alter table ${table} ${missing.join(", ")}`);
}

/** Enters a migration; one that is there gets the state. Everything else about it never changes. */
export async function enterMigration(
  client: Pick<ClientBase, "query">,
  schema: string,
  { number, name, checksum, content = null }: HistoryEntry,
  finished: boolean,
): Promise<void> {
  await client.query(
    `insert into ${quoteIdentifier(schema)}.${LEDGER_TABLE} (number, name, checksum, content, finished)
     values ($1, $2, $3, $4, $5)
     on conflict (number) do update set finished = excluded.finished, applied_at = now()`,
    [number, name, checksum, content, finished],
  );
}

/**
 * Checks that a release's list begins with what was applied.
 *
 * @throws MigrationDriftError naming the first that differs
 */
export function assertSameHistory(applied: readonly HistoryEntry[], release: readonly HistoryEntry[]): void {
  for (const [index, before] of applied.entries()) {
    const now = release[index];
    if (now === undefined) throw new MigrationDriftError(before, "the release does not have it");
    if (now.number !== before.number || now.name !== before.name) {
      throw new MigrationDriftError(before, `the release has ${migrationLabel(now)} in its place`);
    }
    if (now.checksum !== before.checksum) {
      const known = before.content != null && now.content != null;
      const difference = known ? `: ${describeDrift(before.content ?? "", now.content ?? "")}` : "";
      throw new MigrationDriftError(before, `its content was changed${difference}`);
    }
  }
}
