import { sql } from "kysely";
import { type FleetLook, waveOf } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { StoredFleet } from "./fleet-store.ts";

/** Counts how many tenants stand how, as the domain's machine asks. */
export async function tallyMembers(
  { db }: Pick<ControlTransaction, "db">,
  { id, state, waves }: StoredFleet,
): Promise<Omit<FleetLook, "worse">> {
  const wave = waveOf({ waves }, state.batch);
  const number = wave === undefined ? -1 : waves.indexOf(wave);
  const found = await sql<Omit<FleetLook, "worse" | "waveTenants">>`
    select
      count(*) filter (where batch <= ${state.batch}
        and (status in ('waiting', 'claimed') or (status = 'moving' and not overdue)))::int as "batchOpen",
      count(*) filter (where wave = ${number} and (status = 'failed' or overdue))::int as "waveFailed",
      count(*) filter (where status = 'failed' or overdue)::int as failed,
      count(*) filter (where status <> 'skipped' or batch is not null)::int as tenants,
      count(*) filter (where status in ('claimed', 'moving', 'returning'))::int as moving,
      count(*) filter (where status in ('waiting', 'deferred', 'claimed', 'moving'))::int as open,
      count(*) filter (where status = 'moved')::int as "toReturn",
      count(*) filter (where status = 'kept')::int as "keptBack"
    from fleet_upgrade_members where fleet_upgrade_id = ${id}`.execute(db);
  const [row] = found.rows;
  if (row === undefined) throw new Error("a count without a group has one row");
  return { ...row, waveTenants: wave === undefined ? 0 : wave.end - wave.start };
}
