import { quoteIdentifier, type Queryable } from "@aibos/tenant-data";
import type { StepRun } from "../migration-step.ts";

/** Names of the versions of a tenant's data that are live, oldest first; none where one version has the tables. */
export function liveNames(run: StepRun<unknown>): Promise<string[]> {
  return readLiveNames(run.platform.data.pool, run.schema);
}

export async function readLiveNames(client: Queryable, schema: string): Promise<string[]> {
  const table = `${quoteIdentifier(schema)}.aibos_versions`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (found[0]?.there !== true) return [];
  const { rows } = await client.query<{ version: string }>(`select version from ${table} order by position`);
  return rows.map(({ version }) => version);
}
