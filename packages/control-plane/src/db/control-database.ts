import { Kysely, PostgresDialect, type PostgresPoolClient } from "kysely";
import pg from "pg";
import type { ControlTables } from "./control-tables.ts";

/** One transaction: queries on control data, and the client for statements on tenants' data. */
export interface ControlTransaction {
  readonly db: Kysely<ControlTables>;
  readonly client: pg.PoolClient;
}

export type Isolation = "read committed" | "repeatable read";

/** The control database: a pool, and transactions over it. */
export interface ControlDatabase {
  readonly db: Kysely<ControlTables>;
  readonly pool: pg.Pool;
  /** Commits when `work` resolves, rolls back when it throws. */
  transaction<T>(work: (tx: ControlTransaction) => Promise<T>, isolation?: Isolation): Promise<T>;
  close(): Promise<void>;
}

// int8 as a number: no count or revision here comes near 2^53.
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Opens the control database.
 *
 * @param applicationName names this process's sessions, so that another process can end them when this one is dead
 */
export function openControlDatabase(url: string, applicationName: string, connections = 16): ControlDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    options: "-c search_path=aibos,pg_catalog",
    max: connections,
    types,
  });
  // An idle connection that the server ended is replaced at the next use.
  pool.on("error", ignore);
  // One in use says so twice: the statement that was under way fails, and who hears nothing of the other ends the process.
  pool.on("connect", (client) => client.on("error", ignore));
  const db = new Kysely<ControlTables>({ dialect: new PostgresDialect({ pool }) });

  return {
    db,
    pool,
    async transaction(work, isolation = "read committed") {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query(`begin isolation level ${isolation}`);
        const result = await work({ db: queriesOn(client), client });
        await client.query("commit");
        return result;
      } catch (error) {
        await client.query("rollback").catch((cause: unknown) => {
          broken = cause instanceof Error ? cause : new Error(String(cause));
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => db.destroy(),
  };
}

/** A connection of its own, which ends with the process, or when that is declared dead. The caller ends it. */
export async function connectTo(url: string, applicationName: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: applicationName });
  // A connection that the server ends shows at the next statement.
  client.on("error", ignore);
  await client.connect();
  return client;
}

function ignore(): void {}

/** Kysely over one client that somebody else acquired and releases. */
function queriesOn(client: pg.PoolClient): Kysely<ControlTables> {
  const borrowed: PostgresPoolClient = {
    query: client.query.bind(client),
    release: () => undefined,
  };
  return new Kysely<ControlTables>({
    dialect: new PostgresDialect({ pool: { connect: async () => borrowed, end: async () => undefined, options: {} } }),
  });
}
