import { DatabaseError, escapeIdentifier, escapeLiteral, type Pool, type PoolClient, type QueryResultRow } from "pg";
import type { TenantContext } from "@aibos/contract";
import { EXTENSION_SCHEMA } from "@aibos/domain";
import { TenantUnavailableError } from "./tenant-unavailable-error.ts";
import { TransactionLostError } from "./transaction-lost-error.ts";

/** One transaction on one tenant's data. Ends with the callback that it was given to. */
export interface TenantTransaction {
  /**
   * Runs one statement; parameters are `$1`, `$2`, …. Statements are unnamed: the plan of a named one breaks when the
   * next transaction on the connection has another tenant's `search_path`.
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryRows<Row>>;
}

export interface QueryRows<Row> {
  readonly rows: readonly Row[];
  /** Rows that were read, or written. */
  readonly rowCount: number;
}

export interface TransactionOptions {
  /** Refuses writes. */
  readonly readOnly?: boolean;
}

/** SQLSTATEs of a role that is not granted (any more), or is not there (yet). */
const SHUT_OUT = new Set(["42501", "22023"]);

/**
 * Runs `callback` as the tenant. Commits when it resolves, rolls back when it throws. Nothing is tried again: only the
 * callback knows whether that would be right.
 */
export async function runInTenant<T>(
  pool: Pool,
  context: TenantContext,
  callback: (transaction: TenantTransaction) => Promise<T>,
  { readOnly = false }: TransactionOptions,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw new TenantUnavailableError("no-database", error);
  });
  let open = true;
  const transaction: TenantTransaction = Object.freeze({
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<QueryRows<Row>> {
      // The connection serves another tenant by now.
      if (!open) throw new Error("The transaction has ended: await every statement inside the callback.");
      const { rows, rowCount } = await client.query<Row & QueryResultRow>(text, [...values]);
      return { rows, rowCount: rowCount ?? 0 };
    },
  });
  let broken = false;
  try {
    await begin(client, context, readOnly);
    const result = await callback(transaction);
    open = false;
    const { command } = await client.query("commit");
    if (command !== "COMMIT") throw new TransactionLostError();
    return result;
  } catch (error) {
    open = false;
    await client.query("rollback").catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** One round trip. `pg_temp` last: a temporary table that outlived another transaction must not hide a real one. */
async function begin(client: PoolClient, context: TenantContext, readOnly: boolean): Promise<void> {
  const { role, schema, views, dataVersion } = context;
  // Views are there while several versions of the data are live; PostgreSQL passes over a schema that is not.
  const path = [views, schema].map((name) => escapeIdentifier(name)).join(", ");
  const settings = [
    readOnly ? "begin read only" : "begin",
    `set local role ${escapeIdentifier(role)}`,
    `set local search_path to ${path}, ${EXTENSION_SCHEMA}, pg_temp`,
    `set local aibos.version to ${escapeLiteral(dataVersion)}`,
  ];
  await client.query(settings.join("; ")).catch((error: unknown) => {
    const shutOut = error instanceof DatabaseError && SHUT_OUT.has(error.code ?? "");
    throw shutOut ? new TenantUnavailableError("shut-out", error) : error;
  });
}
