import { describe, expect, test } from "vitest";
import type { FleetUpgradeOptionsInput } from "@aibos/contract";
import type { ServiceWorld } from "./service-world.ts";

export function describeFleetUpgrades(world: ServiceWorld): void {
  const ONLY: FleetUpgradeOptionsInput = { labels: { fleet: "notes" }, window: "now", waves: [] };

  describe("fleet upgrades", () => {
    test("move all who may, list what came of each, and take all back", async () => {
      const { service } = world;
      const tenants: string[] = [];
      for (let n = 0; n < 3; n += 1) tenants.push(await world.tenantAt("2.0.0"));
      for (const tenant of tenants) await service.labelTenant(tenant, { fleet: "notes" });
      const [first = "", second = "", third = ""] = tenants;
      const before = await world.stateOf(first);
      const policy = {
        automatic: "none",
        notices: { url: "http://127.0.0.1:9/x", secret: `whsec_${"A".repeat(40)}` },
      } as const;
      expect(await service.setUpgradePolicy(third, "notes", policy)).toMatchObject({
        automatic: "none",
        notices: { url: "http://127.0.0.1:9/x" },
        consents: [],
      });
      expect(JSON.stringify(await service.getUpgradePolicy(third, "notes"))).not.toContain("whsec");
      expect(await service.planFleetUpgrade("notes", "2.2.0", ONLY)).toMatchObject({ tenants: 3, goes: 2, skipped: 1 });

      const migrations = await service.forceUpgradeAll("notes", "2.2.0", ONLY);
      expect(Object.fromEntries(migrations.map(({ tenant, status }) => [tenant, status]))).toEqual({
        [first]: "succeeded",
        [second]: "succeeded",
      });
      const [fleet] = (await service.listFleetUpgrades({ module: "notes", status: "done", limit: 1 })).items;
      const id = fleet?.id ?? "";
      expect(fleet).toMatchObject({ tenants: 3, counts: { moved: 2, skipped: 1 }, batches: 1 });
      const page = await service.listFleetMembers(id, { limit: 2 });
      expect(page.items).toHaveLength(2);
      const rest = await service.listFleetMembers(id, { cursor: page.nextCursor ?? "" });
      expect(rest).toMatchObject({
        items: [{ tenant: third, status: "skipped", code: "consent-needed" }],
        nextCursor: null,
      });

      await service.rollbackFleetUpgrade(id);
      const statuses: string[] = [];
      for await (const { status } of service.watchFleetUpgrade(id)) statuses.push(status);
      expect(statuses.at(-1)).toBe("rolled-back");
      expect((await service.getFleetUpgrade(id)).counts).toEqual({ returned: 2, skipped: 1 });
      expect(await world.stateOf(first)).toEqual(before);
      await service.consentToUpgrade(third, "notes", "2.2.0");
      expect((await service.getUpgradePolicy(third, "notes")).consents).toEqual(["2.2.0"]);
      expect((await service.planFleetUpgrade("notes", "2.2.0", ONLY)).goes).toBe(3);
    }, 120_000);

    test("of one module are one at a time, can be cancelled, and refuse what means nothing", async () => {
      const { service } = world;
      const scheduledTime = new Date(Date.now() + 3_600_000).toISOString();
      const started = await service.startFleetUpgrade("notes", "2.2.0", { ...ONLY, scheduledTime });
      expect(started).toMatchObject({ status: "planned", scheduledAt: scheduledTime });
      await expect(service.startFleetUpgrade("notes", "1.1.0", ONLY)).rejects.toMatchObject({
        code: "AIBOS_FLEET_UPGRADE_ACTIVE",
        message: expect.stringContaining(started.id),
      });
      await expect(service.resumeFleetUpgrade(started.id)).rejects.toMatchObject({
        code: "AIBOS_FLEET_COMMAND_REFUSED",
      });
      await service.cancelFleetUpgrade(started.id);
      expect(await service.waitForFleetUpgrade(started.id)).toMatchObject({ status: "cancelled" });
      await expect(service.getFleetUpgrade("flt_none")).rejects.toMatchObject({
        code: "AIBOS_FLEET_UPGRADE_NOT_FOUND",
      });
      await expect(service.releaseVersion("notes", "2.2.0")).rejects.toMatchObject({
        code: "AIBOS_VERSION_NOT_QUARANTINED",
      });
      expect((await service.listQuarantinedVersions({ module: "notes" })).items).toEqual([]);
      await expect(
        service.startFleetUpgrade("notes", "2.2.0", { waves: [{ upTo: 10 }, { upTo: "canary" }] }),
      ).rejects.toMatchObject({ code: "AIBOS_INVALID_REQUEST" });
    }, 60_000);
  });
}
