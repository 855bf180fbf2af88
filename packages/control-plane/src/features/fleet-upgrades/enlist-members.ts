import { sql } from "kysely";
import type { FleetUpgradeOptions } from "@aibos/contract";
import type { ModuleId, PlannedWave, Version } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";

/** Tenants whom traffic of so many days counts for. */
const TRAFFIC_DAYS = 7;

/**
 * Enters all tenants whose newest live version is older than the one to move to, in the order in which they shall go:
 * canaries, then by risk, those that are not to be moved last. One statement: they are never in memory here.
 *
 * Risk is the mean of a tenant's ranks (0 to 1) among the others by the size of its data, its requests of the last days,
 * and whether it has custom fields: three things with nothing in common but their order.
 *
 * @param withoutPath versions that no path leads from, and why
 * @returns how many there are to be moved, and how many of them are canaries
 */
export async function enlistMembers(
  { db }: ControlTransaction,
  fleet: { id: string; module: ModuleId; version: Version; options: FleetUpgradeOptions },
  withoutPath: ReadonlyMap<Version, string>,
  now: number,
): Promise<{ tenants: number; canaries: number }> {
  const { id, module, version, options } = fleet;
  const { excludeTenants, labels, canaryLabels } = options;
  const paths = [...withoutPath];
  const at = new Date(now);
  await sql`
    insert into fleet_upgrade_members (
      fleet_upgrade_id, tenant, position, from_version, data_store, status, code, reason, not_before)
    with excluded as (
      select * from unnest(
        ${excludeTenants.map(({ tenant }) => tenant)}::text[],
        ${excludeTenants.map(({ reason }) => reason)}::text[],
        ${excludeTenants.map(({ until }) => (until === undefined ? null : new Date(until)))}::timestamptz[]
      ) as e (tenant, reason, until)
    ), without_path as (
      select * from unnest(${paths.map(([from]) => from)}::text[], ${paths.map(([, why]) => why)}::text[]) as p (version, reason)
    ), sizes as (
      select n.nspname as schema_name, sum(pg_relation_size(c.oid)) as bytes,
        bool_or(c.relname = 'aibos_custom_fields') as customised
      from tenant_modules m join pg_namespace n on n.nspname = m.schema_name
        join pg_class c on c.relnamespace = n.oid and c.relkind = 'r'
      where m.module = ${module} group by 1
    ), traffic as (
      select tenant, sum(requests) as requests from measurements_1h
      where module = ${module} and at > ${at}::timestamptz - ${`${TRAFFIC_DAYS} days`}::interval group by 1
    ), candidates as (
      select t.id as tenant, i.version as from_version, t.data_store,
        t.labels @> ${JSON.stringify(canaryLabels)}::jsonb as canary,
        percent_rank() over (order by coalesce(s.bytes, 0)) + percent_rank() over (order by coalesce(r.requests, 0)) +
          case when s.customised then 1 else 0 end as risk,
        e.tenant is not null and e.until is null as is_excluded, e.reason as exclusion, e.until, p.reason as no_path
      from tenant_modules m
        join tenants t on t.id = m.tenant
        join lateral (
          select i.version, v.sort_key
          from tenant_module_instances i join module_versions v on v.module = i.module and v.version = i.version
          where i.tenant = m.tenant and i.module = m.module and i.status <> 'retired'
          order by v.sort_key desc limit 1
        ) i on true
        left join sizes s on s.schema_name = m.schema_name
        left join traffic r on r.tenant = m.tenant
        left join excluded e on e.tenant = m.tenant
        left join without_path p on p.version = i.version
      where m.module = ${module} and t.labels @> ${JSON.stringify(labels)}::jsonb
        and i.sort_key < (select sort_key from module_versions where module = ${module} and version = ${version})
    )
    select ${id}, tenant,
      row_number() over (order by is_excluded or no_path is not null, canary desc, risk, tenant) - 1,
      from_version, data_store,
      case when is_excluded or no_path is not null then 'skipped' when until > ${at} then 'deferred' else 'waiting' end,
      case when is_excluded or until > ${at} then 'excluded' when no_path is not null then 'no-path' end,
      coalesce(case when is_excluded or until > ${at} then exclusion end, no_path),
      until
    from candidates`.execute(db);
  const counted = await sql<{ tenants: number; canaries: number }>`
    select count(*)::int as tenants,
      count(*) filter (where t.labels @> ${JSON.stringify(canaryLabels)}::jsonb)::int as canaries
    from fleet_upgrade_members m join tenants t on t.id = m.tenant
    where m.fleet_upgrade_id = ${id} and m.status <> 'skipped'`.execute(db);
  return counted.rows[0] ?? { tenants: 0, canaries: 0 };
}

/** Says in which wave and batch each one goes, and ends with how many there are in all, skipped ones included. */
export async function assignBatches(
  { db }: ControlTransaction,
  fleetUpgradeId: string,
  waves: readonly PlannedWave[],
  batchSize: number,
): Promise<void> {
  await sql`
    update fleet_upgrade_members m
    set wave = w.number - 1, batch = w.first_batch + (m.position - w.start) / ${batchSize}::int
    from unnest(
      ${waves.map(({ start }) => start)}::int[],
      ${waves.map(({ end }) => end)}::int[],
      ${waves.map(({ firstBatch }) => firstBatch)}::int[]
    ) with ordinality as w (start, stop, first_batch, number)
    where m.fleet_upgrade_id = ${fleetUpgradeId} and m.status <> 'skipped'
      and m.position >= w.start and m.position < w.stop`.execute(db);
  await sql`
    update fleet_upgrades set waves = ${JSON.stringify(waves)}::jsonb,
      tenants = (select count(*) from fleet_upgrade_members where fleet_upgrade_id = ${fleetUpgradeId})
    where id = ${fleetUpgradeId}`.execute(db);
}
