import { sql } from "kysely";
import type { ControlTransaction } from "../../db/control-database.ts";
import { noticeEvent } from "../notices/notice-event.ts";
import type { StoredFleet } from "./fleet-store.ts";

/**
 * Enters a notice for each member whose status changed to one that its tenant is told of, where its policy says whom to
 * tell. In the transaction of the change that it is about, or a later one: each status is told once.
 */
export async function tellMembers(
  { db }: ControlTransaction,
  {
    id,
    module,
    version,
    options,
    scheduledAt,
  }: Pick<StoredFleet, "id" | "module" | "version" | "options" | "scheduledAt">,
): Promise<void> {
  await sql`
    with told as (
      update fleet_upgrade_members m set told = m.status
      from upgrade_policies p
      where m.fleet_upgrade_id = ${id} and p.tenant = m.tenant and p.module = ${module}
        and jsonb_typeof(p.policy -> 'notices') = 'object'
        and m.status not in ('claimed', 'returning') and m.told is distinct from m.status
      returning m.*
    )
    insert into notices (id, tenant, module, event)
    select n.id, m.tenant, ${module}, ${noticeEvent({
      id: sql`n.id`,
      source: sql`${`/v1/fleet-upgrades/${id}`}::text`,
      type: sql`'aibos.upgrade.' || case m.status when 'waiting' then 'announced' when 'moving' then 'started' else m.status end`,
      subject: sql`m.tenant || '/' || ${module}::text`,
      data: sql`jsonb_build_object(
        'tenant', m.tenant, 'module', ${module}::text, 'fromVersion', m.from_version, 'version', ${version}::text,
        'fleetUpgradeId', ${id}::text, 'status', m.status, 'code', m.code, 'explanation', m.reason,
        'notBefore', to_jsonb(m.not_before), 'scheduledAt', ${new Date(scheduledAt).toISOString()}::text,
        'deadline', ${options.deadline ?? null}::text, 'reason', ${options.reason}::text, 'note', ${options.note}::text,
        'migrationId', m.migration_id)`,
    })}
    from told m cross join lateral (select 'evt_' || replace(gen_random_uuid()::text, '-', '') as id where m.tenant is not null) n`.execute(
    db,
  );
}
