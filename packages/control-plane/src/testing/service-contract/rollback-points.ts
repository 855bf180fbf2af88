import { describe, expect, test } from "vitest";
import type { ServiceWorld } from "./service-world.ts";

export function describeRollbackPoints(world: ServiceWorld): void {
  describe("a rollback point", () => {
    test("is a true copy that can be gone back to, once", async () => {
      const tenant = await world.tenantAt("1.1.0");
      const before = await world.stateOf(tenant);
      const point = await world.service.createRollbackPoint(tenant, "notes", "1.1.0", "before an experiment");
      expect(point).toMatchObject({ state: "available", version: "1.1.0", reason: "before an experiment" });
      await world.inTenant(tenant, "delete from notes where id <= 10");
      await world.inTenant(tenant, "alter table notes add column extra text");
      await expect(world.service.restoreFromRollbackPoint(point.id)).rejects.toMatchObject({
        code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
        message: expect.stringContaining("10 deleted"),
      });
      const restored = await world.service.restoreFromRollbackPoint(point.id, { acceptDataLoss: true });
      expect(restored).toMatchObject({ kind: "restore", status: "succeeded" });
      expect(await world.stateOf(tenant)).toEqual(before);
      await expect(world.service.restoreFromRollbackPoint(point.id)).rejects.toMatchObject({
        code: "AIBOS_ROLLBACK_POINT_NOT_FOUND",
        message: expect.stringContaining("was restored and can't be used again"),
      });
      await expect(world.service.restoreFromRollbackPoint("rp_unknown")).rejects.toMatchObject({
        code: "AIBOS_ROLLBACK_POINT_NOT_FOUND",
      });
    });

    test("that fails to be taken is refused for a version that is not live", async () => {
      const tenant = await world.tenantAt("1.1.0");
      await expect(world.service.createRollbackPoint(tenant, "notes", "2.0.0", "x")).rejects.toMatchObject({
        code: "AIBOS_VERSION_NOT_LIVE",
      });
    });

    test("of the past is there only where something was done", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await expect(world.service.rollbackTenant(tenant, "notes")).rejects.toMatchObject({
        code: "AIBOS_ROLLBACK_UNAVAILABLE",
      });
    });
  });
}
