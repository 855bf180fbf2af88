import { createTestDatabase } from "@aibos/local-postgres/testing";
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
}

export async function createLiveWorld(schema = "t__acme__books"): Promise<LiveWorld> {
  const database = await createTestDatabase();
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
    async [Symbol.asyncDispose]() {
      await user.end();
      await client.end();
      await database.drop();
    },
  };
}

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
