import { sql } from "kysely";
import type { GatewayReport } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";

/** What gateways report. */
export interface GatewayStore {
  /** Records a report; whoever waits for a gateway is woken when it says something new. */
  record(report: GatewayReport): Promise<void>;
}

export function createGatewayStore(database: ControlDatabase): GatewayStore {
  return {
    // A gateway sends one report at a time, so that reports of one gateway come in their order. A lower revision than
    // before is believed too: it started over with an empty table, and does not know what it knew.
    record: ({ gatewayId, url, appliedRevision, draining, startedAt, mirrors, ejected }) =>
      database.transaction(async ({ client }) => {
        const { rows } = await client.query<{ changed: boolean }>(RECORD, [
          gatewayId,
          url,
          appliedRevision,
          JSON.stringify(draining),
          JSON.stringify(ejected),
        ]);
        if (mirrors.length > 0) {
          await client.query(RECORD_MIRRORS, [gatewayId, startedAt, JSON.stringify(mirrors)]);
        }
        if (rows[0]?.changed === true) await client.query("select pg_notify('aibos_gateways', $1)", [gatewayId]);
      }),
  };
}

/** `changed`: whether it says more than that the gateway is still there. */
const RECORD = `
  with before as (
    select applied_revision, draining from gateways where id = $1 for update
  ), recorded as (
    insert into gateways (id, url, applied_revision, draining, ejected, seen_at)
    values ($1, $2, $3, $4::jsonb, $5::jsonb, clock_timestamp())
    on conflict (id) do update set
      url = excluded.url, applied_revision = excluded.applied_revision, draining = excluded.draining,
      ejected = excluded.ejected, seen_at = excluded.seen_at
    returning applied_revision, draining
  )
  select not exists (
    select from before b join recorded r on b.applied_revision = r.applied_revision and b.draining = r.draining
  ) as changed`;

/** Counts of a mirror that was set anew since, or taken away, are dropped. */
const RECORD_MIRRORS = `
  insert into mirror_counts (
    tenant, module, since, gateway, started_at, compared, status_differs, size_differs, failed, skipped, ms, mirror_ms
  )
  select c.tenant, c.module, c.since, $1, $2, c.compared, c."statusDiffers", c."sizeDiffers", c.failed, c.skipped,
    c.ms, c."mirrorMs"
  from jsonb_to_recordset($3::jsonb) as c (
    tenant text, module text, since bigint, compared bigint, "statusDiffers" bigint, "sizeDiffers" bigint,
    failed bigint, skipped bigint, ms double precision, "mirrorMs" double precision
  )
  join route_policies p on p.tenant = c.tenant and p.module = c.module and (p.mirror ->> 'since')::bigint = c.since
  on conflict (tenant, module, since, gateway, started_at) do update set
    compared = excluded.compared, status_differs = excluded.status_differs, size_differs = excluded.size_differs,
    failed = excluded.failed, skipped = excluded.skipped, ms = excluded.ms, mirror_ms = excluded.mirror_ms`;

/** Gateways that were not heard of for so long play no part any more. */
export const GATEWAY_SILENCE_SECONDS = 10;

/**
 * A gateway that has lost its control plane sends requests by the routes that it has, for as long as it takes: processes
 * that they lead to are kept for one that was heard of within so long.
 */
const GATEWAY_MEMORY_SECONDS = 15 * 60;

/** A control-plane process that gave no sign for so long, of one each 2 seconds, can't be told anything. */
const HEARING_SECONDS = 6;

/** A control-plane process is known before it listens, and gateways come back to it by and by: on a busy machine, so late. */
const STARTING_SECONDS = 20;

/**
 * A condition in SQL: the gateway was heard of. The database's clock, since the reports' times are its own. Silence
 * counts only while somebody was there to hear: after the last control-plane process had ended, gateways served on, and
 * those that were live then are waited for until they have had their time to report again.
 */
export const IS_LIVE = sql<boolean>`gateways.seen_at > (
  select case
      when coalesce(min(started_at) filter (where hears), '-infinity') < now - silence - starting then now - silence
      else coalesce(max(seen_at) filter (where not hears), now) - silence
    end
  from (select clock_timestamp() as now, make_interval(secs => ${GATEWAY_SILENCE_SECONDS}) as silence,
      make_interval(secs => ${STARTING_SECONDS}) as starting) as times
    left join (
      select started_at, seen_at,
        state = 'live' and seen_at > clock_timestamp() - make_interval(secs => ${HEARING_SECONDS}) as hears
      from control_plane_processes
    ) as processes on true
  group by now, silence, starting
)`;

/** A condition in SQL: the gateway may still send requests, whether or not it can be told anything. */
export const MAY_SERVE = sql<boolean>`gateways.seen_at > clock_timestamp() - make_interval(secs => ${GATEWAY_MEMORY_SECONDS})`;
