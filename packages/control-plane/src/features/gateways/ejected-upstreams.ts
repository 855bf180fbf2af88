import { type Kysely, sql } from "kysely";
import type { EjectionReason } from "@aibos/contract";
import type { ModuleId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { IS_LIVE } from "./gateway-store.ts";

/** A process of a version that some live gateways send no requests. */
export interface EjectedProcess {
  readonly version: string;
  readonly url: string;
  /** Why, by the gateway that left it out first, and since when. */
  readonly reason: EjectionReason;
  readonly since: Date;
  /** How many gateways leave it out, of how many that are live. */
  readonly gateways: number;
  readonly liveGateways: number;
}

/** The processes of these versions that some live gateways leave out, by version and URL. */
export async function readEjectedProcesses(
  db: Kysely<ControlTables>,
  module: ModuleId,
  versions: readonly string[],
): Promise<EjectedProcess[]> {
  const { rows } = await sql<EjectedProcess>`
    select e.version, e.url, (array_agg(e.reason order by e.since))[1] as reason,
      to_timestamp(min(e.since) / 1000.0) as since, count(distinct gateways.id)::int as gateways,
      (select count(*)::int from gateways where ${IS_LIVE}) as "liveGateways"
    from gateways, jsonb_to_recordset(gateways.ejected) as e (
      module text, version text, url text, reason text, since bigint
    )
    where ${IS_LIVE} and e.module = ${module} and e.version = any (${[...versions]}::text[])
    group by e.version, e.url
    order by e.version, e.url`.execute(db);
  return rows;
}

/** The same in words, for people. */
export function describeEjected({
  url,
  reason,
  since,
  gateways,
  liveGateways,
}: Omit<EjectedProcess, "version">): string {
  const which = `${gateways} of ${liveGateways} gateway${liveGateways === 1 ? "" : "s"}`;
  return `${which} left out the process at ${url} because of ${reason}, since ${since.toISOString()}`;
}
