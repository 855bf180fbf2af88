import { describe, expect, test } from "vitest";
import type { LogLine } from "@aibos/contract";
import type { ServiceWorld } from "./service-world.ts";

export function describeCopies(world: ServiceWorld): void {
  describe("a copy of a tenant's data", () => {
    test("is rehearsed on, and what is run meanwhile is streamed to its end", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const before = await world.stateOf(tenant);
      const report = await world.service.rehearseMigration(tenant, "notes", "2.2.0");
      expect(report).toMatchObject({ passed: true, path: ["2.0.0", "2.2.0"], failure: null });
      expect(await world.stateOf(tenant)).toEqual(before);
      const [rehearsal] = (await world.service.listMigrations({ tenant, kind: "rehearse" })).items;
      const id = rehearsal?.id ?? "";
      const lines: LogLine[] = [];
      for await (const line of world.service.watchMigrationLog(id)) lines.push(line);
      expect(lines).toEqual(await world.service.getMigrationLog(id));
      expect(lines.some(({ step, kind }) => step === "rehearsal-expand" && kind === "statement")).toBe(true);
    });

    test("is backed up, verified, restored and deleted", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const before = await world.stateOf(tenant);
      const backup = await world.service.createBackup(tenant, "notes");
      expect(await world.service.verifyBackup(backup.id)).toMatchObject({ isSound: true });
      await world.inTenant(tenant, "delete from notes where id = 1");
      await expect(world.service.restoreFromBackup(backup.id)).rejects.toMatchObject({
        code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
        message: expect.stringContaining("1 deleted"),
      });
      await world.service.restoreFromBackup(backup.id, { acceptDataLoss: true });
      expect(await world.stateOf(tenant)).toEqual(before);
      expect(await world.service.deleteBackup(backup.id)).toMatchObject({ state: "deleted" });
      expect((await world.service.getRetentionPolicy(tenant, "notes")).source).toBe("default");
    });
  });
}
