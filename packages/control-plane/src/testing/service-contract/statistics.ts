import { describe, expect, test } from "vitest";
import { packFiles } from "../notes-module.ts";
import type { ServiceWorld } from "./service-world.ts";

const MODULE = "counted";

const release = (version: string, more: string): Promise<Buffer> =>
  packFiles({
    "aibos.module.yaml": `id: ${MODULE}\nversion: "${version}"\ntitle: Counted\nruntime: { command: ["true"] }\n${more}`,
  });

export function describeStatistics(world: ServiceWorld): void {
  /** As if operations had ended so: each took so many seconds. */
  const record = (tenant: string, id: string, of: { kind?: string; status: string; seconds: number; code?: string }) =>
    world.sql.query(
      `insert into aibos.migration_records
         (id, tenant, module, kind, from_version, to_version, status, request, failure, started_at, finished_at)
       values ($1, $2, $3, $4, '1.0.0', '2.0.0', $5, '{}', $6, now() - $7 * interval '1 s', now())`,
      [
        `mig_counted_${id}`,
        tenant,
        MODULE,
        of.kind ?? "migrate",
        of.status,
        of.code === undefined ? null : JSON.stringify({ step: "probe", code: of.code, message: "" }),
        of.seconds,
      ],
    );

  describe("statistics", () => {
    test("count what came of a module's migrations, by status and hop, with times and causes", async () => {
      await world.service.publish(await release("1.0.0", "lifecycle: { endOfLife: 2020-01-01 }\n"));
      await world.service.publish(await release("2.0.0", "lifecycle: { deprecatedOn: 2020-01-01 }\n"));
      const nothing = await world.service.getMigrationStatistics(MODULE);
      expect(nothing).toMatchObject({ total: 0, successRate: null, rollbacks: { rate: null, causes: [] }, hops: [] });

      const tenant = await world.tenantAt("1.0.0");
      for (const seconds of [1, 2, 3]) await record(tenant, `ok${seconds}`, { status: "succeeded", seconds });
      await record(tenant, "back", { status: "rolled-back", seconds: 90, code: "AIBOS_TENANT_UNHEALTHY" });
      await record(tenant, "not", { status: "cancelled", seconds: 90 });
      await record(tenant, "hand", { kind: "rollback", status: "succeeded", seconds: 90 });
      const found = await world.service.getMigrationStatistics(MODULE);
      expect(found).toMatchObject({
        total: 5,
        byStatus: { succeeded: 3, "rolled-back": 1, cancelled: 1 },
        successRate: 0.75,
        rollbacks: { byItself: 1, byHand: 1, rate: 0.5 },
        hops: [{ fromVersion: "1.0.0", toVersion: "2.0.0", total: 5, successRate: 0.75 }],
      });
      expect(found.rollbacks.causes).toEqual([{ code: "AIBOS_TENANT_UNHEALTHY", step: "probe", count: 1 }]);
      expect(found.times.averageMs).toBeCloseTo(2_000, 0);
      expect(found.times.p50Ms).toBeGreaterThan(1_979);
      expect(found.times.p50Ms).toBeLessThan(2_021);
      expect(found.times.p99Ms).toBeGreaterThan(2_900);
      await expect(world.service.getMigrationStatistics("unknown")).rejects.toMatchObject({
        code: "AIBOS_MODULE_NOT_FOUND",
      });
    });

    test("count tenants by version, now and by day, and those whose version is looked after no more", async () => {
      const tenants = [await world.tenantAt("1.0.0"), await world.tenantAt("1.0.0")];
      for (const [index, tenant] of tenants.entries()) {
        await world.sql.query(
          "insert into aibos.tenant_modules (tenant, module, schema_name, role_name) values ($1, $2, $3, $3)",
          [tenant, MODULE, `counted_${tenant}`],
        );
        const moved = index === 0;
        await world.sql.query(
          `insert into aibos.tenant_module_instances
             (id, tenant, module, version, status, data_version, created_at, retired_at)
           values ($1 || 'a', $2, $3, '1.0.0', $4, '1.0.0', now() - interval '40 days', $5)`,
          [`ins_${tenant}`, tenant, MODULE, moved ? "retired" : "active", moved ? new Date() : null],
        );
        if (!moved) continue;
        await world.sql.query(
          `insert into aibos.tenant_module_instances (id, tenant, module, version, status, data_version)
           values ($1 || 'b', $2, $3, '2.0.0', 'active', '2.0.0')`,
          [`ins_${tenant}`, tenant, MODULE],
        );
      }
      const usage = await world.service.getVersionUsageStats(MODULE, { days: 2 });
      expect(usage.versions).toMatchObject([
        { version: "1.0.0", tenants: 1, standing: "end-of-life", endOfLife: "2020-01-01" },
        { version: "2.0.0", tenants: 1, standing: "deprecated", deprecatedOn: "2020-01-01" },
      ]);
      expect(usage.exposure).toEqual({ deprecated: 1, endOfLife: 1 });
      expect(usage.history.map((day) => day.tenants)).toEqual([{ "1.0.0": 2 }, { "1.0.0": 1, "2.0.0": 1 }]);
      await world.sql.query("delete from aibos.tenant_modules where module = $1", [MODULE]);
    });
  });
}
