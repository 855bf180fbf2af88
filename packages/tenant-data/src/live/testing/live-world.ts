import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import pg from "pg";
import { stringify } from "yaml";
import { parseOperations } from "../../operations/parse-operations.ts";
import { quoteIdentifier, quoteLiteral } from "../../quote-identifier.ts";
import { type LiveSchema, type LiveSchemaOptions, openLiveSchema, type Release } from "../live-schema.ts";
import { viewSchemaName } from "../version-views.ts";

export type Row = Record<string, unknown>;

/** A schema of an ordinary owner, with a session for the engine and one for users of any version. */
export interface LiveWorld extends AsyncDisposable {
  readonly schema: string;
  readonly url: string;
  /** The engine's session. */
  readonly client: pg.Client;
  readonly live: LiveSchema;
  open(options?: Partial<LiveSchemaOptions>): LiveSchema;
  /** Runs SQL as its owner, in the schema, before anything is live. */
  given(sql: string): Promise<void>;
  /** Runs one statement as a user of a version. */
  as(version: string | null, sql: string, values?: unknown[]): Promise<Row[]>;
  /** Starts and fills a version. */
  bring(from: string, release: Release): Promise<void>;
  /** Names that the engine made for a while and should have taken away when one version is left. */
  leftOver(): Promise<string[]>;
}

/** A world in a database of its own. */
export async function createLiveWorld(schema = "t__acme__books"): Promise<LiveWorld> {
  const database = await createTestDatabase();
  const world = await openLiveWorld(database, schema);
  return {
    ...world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await database.drop();
    },
  };
}

/** A world in a schema of a database that others use, too. */
export async function openLiveWorld(database: TestDatabase, schema: string): Promise<LiveWorld> {
  const client = new pg.Client({ connectionString: database.url });
  const user = new pg.Client({ connectionString: database.url });
  await client.connect();
  await user.connect();
  await client.query(`create schema ${quoteIdentifier(schema)}`);
  const live = openLiveSchema({ client, schema });
  return {
    schema,
    url: database.url,
    client,
    live,
    open: (options = {}) => openLiveSchema({ client, schema, ...options }),
    async given(sql) {
      await client.query(`set search_path = ${quoteIdentifier(schema)}`);
      await client.query(sql);
    },
    async as(version, sql, values = []) {
      const path = [...(version === null ? [] : [viewSchemaName(schema, version)]), schema].map(quoteIdentifier);
      await user.query(`begin; set local search_path = ${path.join(", ")}`);
      try {
        if (version !== null) await user.query(`set local aibos.version = ${quoteLiteral(version)}`);
        const { rows } = await user.query<Row>(sql, values);
        await user.query("commit");
        return rows;
      } catch (error) {
        await user.query("rollback");
        throw error;
      }
    },
    async bring(from, wanted) {
      await live.start(from, wanted);
      await drain(live.backfill(wanted.version));
    },
    async leftOver() {
      const { rows } = await client.query<{ name: string }>(LEFT_OVER, [schema]);
      return rows.map(({ name }) => name);
    },
    async [Symbol.asyncDispose]() {
      await user.end();
      await client.end();
    },
  };
}

/** The engine's ledger stays. */
const LEFT_OVER = `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname like '%aibos%' and not starts_with(c.relname, 'aibos_migrations')
  union all select a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relkind in ('r', 'p') and a.attname like '%aibos%'
  union all select k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace
  where n.nspname = $1 and k.conname like '%aibos%' and not starts_with(k.conname, 'aibos_migrations')
  union all select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = $1 and p.proname like '%aibos%'
  union all select nspname from pg_namespace where starts_with(nspname, $1 || '@')`;

/** A release whose files are given as data: each a list of operations. */
export function release(version: string, ...files: readonly unknown[][]): Release {
  return {
    version,
    files: files.map((operations, index) => {
      const name = `${String(index + 1).padStart(3, "0")}_change.yaml`;
      return parseOperations(name, stringify({ operations }));
    }),
  };
}

export async function drain<T>(progress: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of progress) all.push(one);
  return all;
}
