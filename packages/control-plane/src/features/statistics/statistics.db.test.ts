import { afterAll, beforeAll, expect, test } from "vitest";
import { parseModuleId } from "@aibos/domain";
import { seedTenantModule } from "../../testing/test-catalog.ts";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { foldCounts } from "./fold-counts.ts";
import { readMigrationStatistics } from "./migration-statistics.ts";
import { readVersionUsage } from "./version-usage.ts";

const MODULE = parseModuleId("notes");
const TODAY = "2027-06-30T12:00:00Z";

let control: TestControl;
beforeAll(async () => {
  control = await createTestControl();
  await seedTenantModule(control.database, { tenant: "acme", module: "notes", weights: { "1.0.0": 1, "2.0.0": 1 } });
});
afterAll(() => control[Symbol.asyncDispose]());

const sql = (text: string, values: unknown[] = []) => control.database.pool.query(text, values);

/** Random ends of random operations over some days; setseed makes them the same each time. */
async function addRecords(from: number, to: number): Promise<void> {
  await sql(
    `with seeded as materialized (select setseed(0.5)), random_rows as (
       select n, (array['migrate', 'migrate', 'migrate', 'rollback', 'restore', 'complete'])[1 + floor(random() * 6)] as kind,
         (array['scheduled', 'running', 'paused', 'succeeded', 'succeeded', 'succeeded', 'failed', 'rolled-back',
           'cancelled'])[1 + floor(random() * 9)] as status,
         (array['1.0.0', '1.5.0', null])[1 + floor(random() * 3)] as old, (array['2.0.0', '3.0.0'])[1 + floor(random() * 2)] as fresh,
         '2027-06-01'::timestamptz + random() * interval '29 days' as ended, exp(random() * 12) as ms, random() as chance
       from seeded, generate_series($1::int, $2::int) n)
     insert into migration_records
       (id, tenant, module, kind, from_version, to_version, status, request, failure, started_at, finished_at)
     select 'mig_' || n, 'acme', 'notes', kind, old, fresh, status, '{}',
       case when status in ('failed', 'rolled-back') and chance < 0.8
         then jsonb_build_object('code', 'AIBOS_' || round(chance * 4), 'step', 'probe', 'message', '') end,
       case when status <> 'scheduled' and chance > 0.02 then ended - ms * interval '1 ms' end,
       case when status not in ('scheduled', 'running', 'paused') then ended end
     from random_rows`,
    [from, to],
  );
}

interface Raw {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly status: string;
  readonly failure: { code: string; step: string } | null;
  readonly ms: number | null;
}

/** The same from all records, one by one. */
async function bruteForce(since: string | undefined) {
  const { rows } = await sql(
    `select coalesce(from_version, '') as from, coalesce(to_version, '') as to, kind, status, failure,
       case when status = 'succeeded' then (extract(epoch from finished_at - started_at) * 1000)::float8 end as ms
     from migration_records where module = 'notes'
       and (finished_at is null or $1::date is null or (finished_at at time zone 'UTC')::date >= $1::date)`,
    [since ?? null],
  );
  const all = rows as Raw[];
  const migrations = all.filter(({ kind }) => kind === "migrate");
  const count = (list: readonly Raw[], ...statuses: string[]) =>
    list.filter(({ status }) => statuses.includes(status)).length;
  const rate = (list: readonly Raw[]) => {
    const ended = count(list, "succeeded", "failed", "rolled-back");
    return ended === 0 ? null : count(list, "succeeded") / ended;
  };
  const times = (list: readonly Raw[]) => {
    const ms = list.flatMap((one) => one.ms ?? []).toSorted((a, b) => a - b);
    const at = (q: number) => ms[Math.ceil(q * ms.length) - 1] ?? null;
    const averageMs = ms.length === 0 ? null : ms.reduce((sum, one) => sum + one, 0) / ms.length;
    return { averageMs, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
  };
  const causes = Map.groupBy(
    migrations.filter(({ status, failure }) => ["failed", "rolled-back"].includes(status) && failure !== null),
    ({ failure }) => failure?.code ?? "",
  );
  return {
    total: migrations.length,
    byStatus: Object.fromEntries([...Map.groupBy(migrations, ({ status }) => status)].map(([k, v]) => [k, v.length])),
    successRate: rate(migrations),
    times: times(migrations),
    byHand: all.filter(({ kind, status }) => ["rollback", "restore"].includes(kind) && status === "succeeded").length,
    causes: Object.fromEntries([...causes].map(([code, list]) => [code, list.length])),
    hops: Object.fromEntries(
      [...Map.groupBy(migrations, ({ from, to }) => `${from} ${to}`)].map(([hop, list]) => [
        hop,
        { total: list.length, successRate: rate(list), times: times(list) },
      ]),
    ),
  };
}

function expectTimes(found: Record<string, number | null>, wanted: Record<string, number | null>): void {
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null) expect(found[name]).toBeNull();
    else expect(Math.abs((found[name] ?? 0) - value) / value).toBeLessThan(name === "averageMs" ? 1e-4 : 0.0101);
  }
}

async function expectSame(since?: string): Promise<void> {
  const wanted = await bruteForce(since);
  const found = await readMigrationStatistics(control.database.db, { module: MODULE, since });
  expect(found).toMatchObject({ total: wanted.total, byStatus: wanted.byStatus, successRate: wanted.successRate });
  expect(Object.keys(found.byStatus).toSorted()).toEqual(Object.keys(wanted.byStatus).toSorted());
  expectTimes(found.times, wanted.times);
  expect(found.rollbacks.byHand).toBe(wanted.byHand);
  expect(Object.fromEntries(found.rollbacks.causes.map(({ code, count }) => [code, count]))).toEqual(wanted.causes);
  expect(found.hops).toHaveLength(Object.keys(wanted.hops).length);
  for (const { fromVersion, toVersion, ...hop } of found.hops) {
    const same = wanted.hops[`${fromVersion} ${toVersion}`];
    expect(hop).toMatchObject({ total: same?.total, successRate: same?.successRate });
    expectTimes(hop.times, same?.times ?? {});
  }
}

test("counts of migrations are those of all records, folded or not, after changes and for some days", async () => {
  await addRecords(1, 3_000);
  await expectSame();
  expect(await foldCounts(control.database)).toBe(false);
  expect((await sql("select from migration_count_changes")).rowCount).toBe(0);
  await expectSame();
  // Some end, some are told otherwise, some go; a part of that is folded.
  await sql(
    "update migration_records set status = 'succeeded', started_at = '2027-06-20', finished_at = '2027-06-21' where status = 'running'",
  );
  await sql("update migration_records set status = 'rolled-back' where status = 'failed'");
  await foldCounts(control.database);
  await sql("delete from migration_records where id like 'mig_1%'");
  await addRecords(3_001, 3_500);
  await expectSame();
  await expectSame("2027-06-15");
});

test("a count is there when its record is, and not when the transaction was undone", async () => {
  const client = await control.database.pool.connect();
  await client.query("begin");
  await client.query("update migration_records set status = 'failed' where status = 'succeeded'");
  await client.query("rollback");
  client.release();
  await expectSame();
  const { byStatus } = await readMigrationStatistics(control.database.db, { module: MODULE, since: undefined });
  expect(byStatus["succeeded"]).toBeGreaterThan(500);
});

test("tenants by version are those of all instances, now and on each day, folded or not", async () => {
  await sql(
    `with seeded as materialized (select setseed(0.3)), tenants as (
       insert into tenants (id, title) select 'r' || n, '' from generate_series(1, 400) n returning id),
     modules as (insert into tenant_modules (tenant, module, schema_name, role_name)
       select id, 'notes', id, id from tenants returning tenant)
     insert into tenant_module_instances (id, tenant, module, version, status, data_version, created_at)
     select 'ins_' || tenant || v, tenant, 'notes', v, 'active', v, '2027-06-01'::timestamptz + random() * interval '20 days'
     from seeded, modules, unnest(array['1.0.0', '2.0.0']) v`,
  );
  await foldCounts(control.database);
  await sql(
    `with seeded as materialized (select setseed(0.2))
     update tenant_module_instances set status = 'retired', retired_at = created_at + random() * interval '9 days'
     from seeded where random() < 0.5`,
  );
  for (const folded of [false, true]) {
    if (folded) await foldCounts(control.database);
    const usage = await readVersionUsage(control.database.db, MODULE, { days: 30, now: Date.parse(TODAY) });
    const live = await sql(
      `select version, count(*)::int as tenants from tenant_module_instances
       where status <> 'retired' group by 1 order by 1`,
    );
    expect(usage.versions.map(({ version, tenants }) => ({ version, tenants }))).toEqual(live.rows);
    for (const { day, tenants } of usage.history) {
      const had = await sql(
        `select version, count(*)::int as n from tenant_module_instances
         where created_at < $1::date + 1 and (retired_at is null or retired_at >= $1::date + 1) group by 1`,
        [day],
      );
      const rows = had.rows as { version: string; n: number }[];
      expect(tenants).toEqual(Object.fromEntries(rows.map(({ version, n }) => [version, n])));
    }
  }
});
