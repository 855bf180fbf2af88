import { type RawBuilder, sql } from "kysely";
import { failedRequests, type ModuleId, type VersionWindow } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";

/** What groups of tenants did in one window of ten seconds, added up by the database. */
export interface GroupWindowReadModel {
  /**
   * @param members a statement that selects `tenant` and `of_group`
   * @param at when the window begins, in milliseconds since the epoch
   */
  read(members: RawBuilder<unknown>, module: ModuleId, at: number): Promise<Readonly<Record<string, VersionWindow>>>;
}

interface GroupRow {
  readonly of_group: string;
  readonly requests: number;
  readonly client: number;
  readonly server: number;
  readonly unreachable: number;
  readonly timeout: number;
  readonly broken: number;
  readonly clientGone: number;
  readonly cut: number;
  readonly buckets: readonly number[] | null;
  readonly counts: readonly string[] | null;
}

export function createGroupWindowReadModel({ db }: Pick<ControlDatabase, "db">): GroupWindowReadModel {
  return {
    async read(members, module, at) {
      const found = await sql<GroupRow>`
        with measured as materialized (
          select m.of_group, r.* from (${members}) m join measurements_10s r on r.tenant = m.tenant
          where r.module = ${module} and r.at = ${new Date(at)}
        ), sketches as (
          select of_group, array_agg(bucket order by bucket) as buckets, array_agg(count order by bucket) as counts
          from (
            select of_group, b.bucket, sum(b.count)::int8 as count
            from measured, unnest(latency_buckets, latency_counts) as b (bucket, count) group by 1, 2
          ) as added group by 1
        )
        select of_group, sum(requests)::int8 as requests, sum(client_errors)::int8 as client,
          sum(server_errors)::int8 as server, sum(unreachable)::int8 as unreachable, sum(timeouts)::int8 as timeout,
          sum(broken)::int8 as broken, sum(clients_gone)::int8 as "clientGone", sum(cut)::int8 as cut,
          (select buckets from sketches s where s.of_group = m.of_group),
          (select counts from sketches s where s.of_group = m.of_group)
        from measured m group by of_group`.execute(db);
      return Object.fromEntries(
        found.rows.map((row) => [
          row.of_group,
          {
            requests: row.requests,
            errors: failedRequests(row),
            latency: (row.buckets ?? []).map((bucket, index) => [bucket, Number(row.counts?.[index])] as const),
          },
        ]),
      );
    },
  };
}
