import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { createFilledTable, dropFilledTable } from "./filled-rows.ts";
import type { BackfillState, LiveVersion } from "./live-version.ts";

/** The table, in the schema itself, that says which versions are live. It is there while there is more than one. */
export const LIVE_TABLE = "aibos_versions";

/** As it is stored; `schema` is what the schema was called then. */
type StoredVersion = LiveVersion & { readonly schema?: string };

/** Names of the live versions, oldest first; none where a single version has the tables as they are. */
export async function readLiveVersionNames(client: Pick<ClientBase, "query">, schema: string): Promise<string[]> {
  const table = `${quoteIdentifier(schema)}.${LIVE_TABLE}`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (found[0]?.there !== true) return [];
  const { rows } = await client.query<{ version: string }>(`select version from ${table} order by position`);
  return rows.map(({ version }) => version);
}

/** The live versions, oldest first; none where a single version has the tables as they are. */
export async function readLiveVersions(client: ClientBase, schema: string): Promise<LiveVersion[]> {
  const table = `${quoteIdentifier(schema)}.${LIVE_TABLE}`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (found[0]?.there !== true) return [];
  const { rows } = await client.query<{ state: StoredVersion }>(`select state from ${table} order by position`);
  return rows.map(({ state }) => moved(state, schema));
}

/** A schema that was copied, or restored, under another name: its tables are named by that in expressions and tasks. */
function moved({ schema: before, ...version }: StoredVersion, schema: string): LiveVersion {
  if (before === undefined || before === schema) return version;
  const [from, to] = [`${quoteIdentifier(before)}.`, `${quoteIdentifier(schema)}.`];
  const inTexts = (value: unknown): unknown => {
    if (typeof value === "string") return value.replaceAll(from, to);
    if (Array.isArray(value)) return value.map(inTexts);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inTexts(inner)]));
  };
  // What an author wrote in a file stays as it is.
  return { ...(inTexts(version) as LiveVersion), files: version.files };
}

export async function createLiveTable(client: ClientBase, schema: string): Promise<void> {
  await client.query(
    `create table if not exists ${quoteIdentifier(schema)}.${LIVE_TABLE}
       (version text primary key, position integer not null unique deferrable initially deferred, state jsonb not null)`,
  );
  await client.query(createFilledTable(schema));
}

export async function writeLiveVersion(client: ClientBase, schema: string, version: LiveVersion): Promise<void> {
  await client.query(
    `insert into ${quoteIdentifier(schema)}.${LIVE_TABLE} (version, position, state) values ($1, $2, $3)
     on conflict (version) do update set position = excluded.position, state = excluded.state`,
    [version.version, version.position, JSON.stringify({ ...version, schema } satisfies StoredVersion)],
  );
}

/** Keeps how far a version's backfill is. @returns false when the version is not there any more */
export async function writeBackfillState(
  client: ClientBase,
  schema: string,
  version: string,
  state: BackfillState,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update ${quoteIdentifier(schema)}.${LIVE_TABLE} set state = jsonb_set(state, '{backfill}', $2) where version = $1`,
    [version, JSON.stringify(state)],
  );
  return rowCount === 1;
}

export async function removeLiveVersions(
  client: ClientBase,
  schema: string,
  versions: readonly string[],
): Promise<void> {
  await client.query(`delete from ${quoteIdentifier(schema)}.${LIVE_TABLE} where version = any ($1)`, [versions]);
}

export async function dropLiveTable(client: ClientBase, schema: string): Promise<void> {
  await client.query(`drop table if exists ${quoteIdentifier(schema)}.${LIVE_TABLE}`);
  await client.query(dropFilledTable(schema));
}
