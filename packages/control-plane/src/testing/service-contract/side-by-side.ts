import { describe, expect, test } from "vitest";
import type { ServiceWorld } from "./service-world.ts";

export function describeSideBySide(world: ServiceWorld): void {
  describe("side by side", () => {
    test("a second version joins without traffic, gets some, and takes over", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const before = await world.inTenant(tenant, "select * from notes order by id");
      await world.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 100, "1.1.0": 0 });
      await expect(
        world.service.updateTrafficSplit(tenant, "notes", { "1.0.0": 80, "1.1.0": 30 }),
      ).rejects.toMatchObject({
        code: "AIBOS_INVALID_TRAFFIC_SPLIT",
      });
      await expect(
        world.service.updateTrafficSplit(tenant, "notes", { "1.0.0": 80, "2.0.0": 20 }),
      ).rejects.toMatchObject({
        code: "AIBOS_VERSION_NOT_LIVE",
      });
      const routing = await world.service.updateTrafficSplit(tenant, "notes", { "1.0.0": 80, "1.1.0": 20 });
      expect(routing).toMatchObject({ traffic: { "1.0.0": 80, "1.1.0": 20 }, acknowledged: true });
      const versions = { oldVersion: "1.0.0", newVersion: "1.1.0" };
      const gradual = await world.service.updateVersionRouting(tenant, "notes", { ...versions, routing: "gradual" });
      expect(gradual.traffic).toEqual({ "1.0.0": 75, "1.1.0": 25 });
      await world.service.commandRollout(gradual.rolloutId ?? "", "abort");
      const percentage = { ...versions, routing: "percentage", trafficSplit: 60 } as const;
      expect((await world.service.updateVersionRouting(tenant, "notes", percentage)).traffic).toEqual({
        "1.0.0": 40,
        "1.1.0": 60,
      });

      const migration = await world.service.completeMigration(tenant, "notes", "1.1.0");
      expect(migration).toMatchObject({ kind: "complete", status: "succeeded" });
      const { traffic, instances } = await world.service.getTenantModule(tenant, "notes");
      expect(traffic).toEqual({ "1.1.0": 100 });
      expect(instances.map(({ version, status }) => [version, status])).toEqual([["1.1.0", "active"]]);
      const after = await world.inTenant(tenant, "select id, body from notes order by id");
      expect(after).toEqual(before);
    });

    test("of versions whose data does not fit is refused, with the way to go instead", async () => {
      const tenant = await world.tenantAt("1.1.0");
      const before = await world.stateOf(tenant);
      await expect(world.service.enableSideBySideVersions(tenant, "notes", "2.0.0")).rejects.toMatchObject({
        code: "AIBOS_SIDE_BY_SIDE_UNSUPPORTED",
        message: expect.stringContaining("migrate-tenant"),
      });
      expect(await world.stateOf(tenant)).toEqual(before);
    });

    test("is taken back by a rollback that keeps every write", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
      await world.service.updateTrafficSplit(tenant, "notes", { "1.0.0": 50, "1.1.0": 50 });
      await world.inTenant(tenant, "insert into notes (body) values ('written meanwhile')");
      const migration = await world.service.rollbackTenant(tenant, "notes");
      expect(migration).toMatchObject({ kind: "rollback", status: "succeeded" });
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 100 });
      expect(await world.inTenant(tenant, "select count(*)::int as count from notes")).toEqual([{ count: 51 }]);
    });
  });
}
