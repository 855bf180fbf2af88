import { sql } from "kysely";
import { failedRequests, type ModuleId, type TenantId, type Version, type VersionWindow } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { type SummedRow, summedRows } from "./summed-rows.ts";

/** What was measured of two versions, window by window, for their comparison. */
export interface WindowReadModel {
  /** The windows of ten seconds that begin in a time and in which anything was measured, oldest first. */
  read(query: WindowQuery): Promise<MeasuredWindow[]>;
}

export interface WindowQuery {
  readonly module: ModuleId;
  readonly oldVersion: Version;
  readonly newVersion: Version;
  readonly tenants: readonly TenantId[];
  /** Milliseconds since the epoch; `to` is excluded. */
  readonly from: number;
  readonly to: number;
}

export interface MeasuredWindow {
  /** When it began, in milliseconds since the epoch. */
  readonly at: number;
  /** By tenant. */
  readonly tenants: Readonly<Record<string, { readonly old: VersionWindow; readonly fresh: VersionWindow }>>;
  /** Milliseconds of processor time a request, of all tenants; undefined when one of the versions' is not known. */
  readonly cpu: { readonly old: number; readonly fresh: number } | undefined;
}

const EMPTY: VersionWindow = { requests: 0, errors: 0, latency: [] };

export function createWindowReadModel({ db }: ControlDatabase): WindowReadModel {
  return {
    async read({ module, oldVersion, newVersion, tenants, from, to }) {
      const versions = [oldVersion, newVersion];
      const rows = sql`select r.* from measurements_10s r
        where r.module = ${module} and r.version = any(${versions}::text[])
          and (r.tenant = any(${tenants}::text[]) or r.tenant is null)
          and r.at >= ${new Date(from)} and r.at < ${new Date(to)}`;
      const found = await summedRows(rows, sql`r.at`).execute(db);
      const byTime = Map.groupBy(found.rows as TimedRow[], ({ at }) => at.getTime());
      return [...byTime]
        .toSorted(([a], [b]) => a - b)
        .map(([at, own]) => ({
          at,
          tenants: Object.fromEntries(
            tenants.flatMap((tenant) => {
              const of = (version: Version) => own.find((row) => row.tenant === tenant && row.version === version);
              const [old, fresh] = [of(oldVersion), of(newVersion)];
              return old === undefined && fresh === undefined
                ? []
                : [[tenant, { old: windowOf(old), fresh: windowOf(fresh) }]];
            }),
          ),
          cpu: cpuOf(own, oldVersion, newVersion),
        }));
    },
  };
}

type TimedRow = SummedRow & { readonly at: Date };

function windowOf(row: SummedRow | undefined): VersionWindow {
  if (row === undefined) return EMPTY;
  return {
    requests: row.requests,
    errors: failedRequests({
      client: row.client_errors,
      server: row.server_errors,
      unreachable: row.unreachable,
      timeout: row.timeouts,
      broken: row.broken,
      clientGone: row.clients_gone,
      cut: row.cut,
    }),
    latency: row.latency_buckets.map((bucket, index) => [bucket, Number(row.latency_counts[index])] as const),
  };
}

function cpuOf(rows: readonly TimedRow[], oldVersion: Version, newVersion: Version): MeasuredWindow["cpu"] {
  const of = (version: Version): number | undefined => {
    const row = rows.find((one) => one.tenant === null && one.version === version);
    return row === undefined || row.cpu_ms === null || row.requests === 0 ? undefined : row.cpu_ms / row.requests;
  };
  const [old, fresh] = [of(oldVersion), of(newVersion)];
  return old === undefined || fresh === undefined ? undefined : { old, fresh };
}
