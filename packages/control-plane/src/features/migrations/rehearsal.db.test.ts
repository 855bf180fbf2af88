import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMultiVersionService } from "../../index.ts";
import { ServiceWorld } from "../../testing/service-contract/service-world.ts";

const world = new ServiceWorld((options) => createMultiVersionService(options));
beforeAll(() => world.begin(), 120_000);
afterAll(() => world.end());

/** Schemas and roles that rehearsals left behind. */
async function leftovers(): Promise<unknown[]> {
  const { rows } = await world.sql.query<Record<string, unknown>>(
    `select nspname as name from pg_namespace where nspname like 'aibos\\_%\\_rehearsal\\_%'
     union all select rolname from pg_roles r where rolname like 'aibos\\_%\\_rehearsal\\_%'
       and rolname like 'aibos_' || (select id from aibos.installation) || '%'
     union all select migration_id from aibos.rehearsals`,
  );
  return rows;
}

describe("a rehearsal", () => {
  test("runs the whole way along live releases on a copy, reports, and leaves the tenant as it was", async () => {
    const tenant = await world.tenantAt("2.0.0");
    const before = await world.stateOf(tenant);
    const report = await world.service.rehearseMigration(tenant, "notes", "2.3.0");
    expect(report).toMatchObject({
      passed: true,
      path: ["2.0.0", "2.2.0", "2.3.0"],
      rows: expect.any(Number),
      failure: null,
      conflicts: [],
      differences: { tables: [{ table: "notes", rowsBefore: 50, rowsAfter: 50 }] },
    });
    expect(Object.keys(report.digests)).toEqual(["2.0.0", "2.2.0", "2.3.0"]);
    expect(report.differences.structure.join("\n")).toMatch(/column notes\.colour: is new/);
    expect(report.differences.structure.join("\n")).toMatch(/column notes\.content: is gone/);
    expect(report.checks.map(({ name, ok }) => [name, ok])).toEqual([
      ["2.3.0 serves the copy", true],
      ["2.3.0 serves the copy when the old version's data is gone", true],
      ["the data's history is the release's", true],
    ]);
    expect(report.locks).toContainEqual(
      expect.objectContaining({ table: "notes", mode: "AccessExclusiveLock", blocks: "reads and writes" }),
    );
    expect(report.phases.map(({ step }) => step)).toContain("rehearsal-contract");
    expect(await world.stateOf(tenant)).toEqual(before);
    expect(await leftovers()).toEqual([]);
  });

  test("of SQL files holds no requests, and its report does not pass where the new version can't serve", async () => {
    const tenant = await world.tenantAt("1.1.0");
    const { revision } = await readHead();
    const report = await world.service.rehearseMigration(tenant, "notes", "3.0.0");
    expect(report.path).toEqual(["1.1.0", "2.0.0", "3.0.0"]);
    expect(report).toMatchObject({ passed: false, failure: null });
    expect(report.checks.find(({ ok }) => !ok)?.detail).toContain("GET /healthz/tenant answered 500");
    expect(report.locks.map(({ table }) => table)).toContain("notes");
    expect(await routesOf(tenant, revision)).toBe(0);
    expect(await leftovers()).toEqual([]);
  });

  test("tells where a step fails, and takes the copy away", async () => {
    const tenant = await world.tenantAt("2.2.0");
    await world.inTenant(tenant, "update notes set rest = 'no number' where id = 5");
    const before = await world.stateOf(tenant);
    const report = await world.service.rehearseMigration(tenant, "notes", "2.3.0");
    expect(report).toMatchObject({ passed: false, failure: { step: "rehearsal-backfill" }, rows: expect.any(Number) });
    expect(report.failure?.message).toContain("no number");
    expect(await world.stateOf(tenant)).toEqual(before);
    expect(await leftovers()).toEqual([]);
  });

  test("can be required, by an option or the tenant's policy, before the move itself", async () => {
    const tenant = await world.tenantAt("2.0.0");
    const refused = { code: "AIBOS_REHEARSAL_REQUIRED", message: expect.stringContaining("rehearse-migration -t") };
    await expect(
      world.service.migrateTenant(tenant, "notes", "2.2.0", { requireRehearsal: 600 }),
    ).rejects.toMatchObject(refused);
    const policy = { requireRehearsal: 600 };
    expect(await world.service.setUpgradePolicy(tenant, "notes", policy)).toMatchObject(policy);
    await expect(world.service.migrateTenant(tenant, "notes", "2.2.0")).rejects.toMatchObject(refused);
    const found = await world.service.validateMigration(tenant, "notes", "2.2.0");
    expect(found.errors).toMatchObject([{ code: "AIBOS_REHEARSAL_REQUIRED", wayOut: expect.any(String) }]);
    expect(found.estimate).not.toBeNull();

    expect(await world.service.rehearseMigration(tenant, "notes", "2.2.0")).toMatchObject({ passed: true });
    expect((await world.service.validateMigration(tenant, "notes", "2.2.0")).errors).toEqual([]);
    await world.sql.query(
      "update aibos.migration_records set finished_at = finished_at - interval '2 h' where kind = 'rehearse' and tenant = $1",
      [tenant],
    );
    await expect(world.service.migrateTenant(tenant, "notes", "2.2.0")).rejects.toMatchObject({
      message: expect.stringContaining("s old"),
    });
    await world.service.rehearseMigration(tenant, "notes", "2.2.0");
    expect((await world.service.migrateTenant(tenant, "notes", "2.2.0")).status).toBe("succeeded");
  });
});

async function readHead(): Promise<{ revision: number }> {
  const { rows } = await world.sql.query<{ revision: number }>("select revision::int from aibos.route_head");
  return { revision: rows[0]?.revision ?? 0 };
}

/** How many changes of a tenant's route came after a revision. */
async function routesOf(tenant: string, revision: number): Promise<number> {
  const { rows } = await world.sql.query<{ n: number }>(
    `select count(*)::int as n from aibos.route_changes, jsonb_array_elements(changes) c
     where revision > $1 and c->>'tenant' = $2`,
    [revision, tenant],
  );
  return rows[0]?.n ?? 0;
}
