import { describe, expect, test } from "vitest";
import type { Rollout } from "@aibos/contract";
import type { ServiceWorld } from "./service-world.ts";

export function describeRollouts(world: ServiceWorld): void {
  async function sideBySide(): Promise<string> {
    const tenant = await world.tenantAt("1.0.0");
    await world.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
    return tenant;
  }

  describe("rollouts", () => {
    test("are started, looked at and ended by hand, and nobody else shares the traffic meanwhile", async () => {
      const tenant = await sideBySide();
      const rollout = await world.service.startRollout({
        module: "notes",
        tenants: [tenant],
        newVersion: "1.1.0",
        policy: { steps: [{ weight: 12.5 }, { weight: 50, gates: [{ kind: "approval" }] }] },
      });
      expect(rollout).toMatchObject({ status: "running", weight: 12.5, oldVersion: "1.0.0", tenants: [{ tenant }] });
      const traffic = async () => (await world.service.getTenantModule(tenant, "notes")).traffic;
      expect(await traffic()).toEqual({ "1.0.0": 87.5, "1.1.0": 12.5 });
      await expect(
        world.service.updateTrafficSplit(tenant, "notes", { "1.0.0": 80, "1.1.0": 20 }),
      ).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_ACTIVE", message: expect.stringContaining(rollout.id) });

      expect(await world.service.commandRollout(rollout.id, "pause")).toMatchObject({ status: "paused" });
      expect((await world.service.listRollouts({ tenant, status: "paused" })).items.map(({ id }) => id)).toEqual([
        rollout.id,
      ]);
      await world.service.commandRollout(rollout.id, "step");
      expect(await traffic()).toEqual({ "1.0.0": 50, "1.1.0": 50 });
      expect(await world.service.commandRollout(rollout.id, "abort")).toMatchObject({
        status: "aborted",
        tenants: [{ tenant, status: "returned" }],
      });
      expect(await traffic()).toEqual({ "1.0.0": 100, "1.1.0": 0 });
      await expect(world.service.commandRollout(rollout.id, "promote")).rejects.toMatchObject({
        code: "AIBOS_ROLLOUT_COMMAND_REFUSED",
      });
      await expect(world.service.getRollout("ro_none")).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_NOT_FOUND" });
    }, 120_000);

    test("go by the tenant's own policy where the rollout says nothing, and by the release's below it", async () => {
      const tenant = await sideBySide();
      await expect(world.service.setRolloutPolicy(tenant, "notes", { steps: [{ weight: 200 }] })).rejects.toMatchObject(
        {
          code: "AIBOS_INVALID_REQUEST",
        },
      );
      await world.service.setRolloutPolicy(tenant, "notes", { targetSeconds: 50, minimumSamples: 7 });
      expect(await world.service.getRolloutPolicy(tenant, "notes")).toEqual({ targetSeconds: 50, minimumSamples: 7 });
      const start = { module: "notes", tenants: [tenant], newVersion: "1.1.0", policy: { targetSeconds: 100 } };
      const rollout = await world.service.startRollout(start);
      expect(rollout.steps).toEqual(
        [1, 5, 10, 25, 50].map((weight) => ({ weight, holdSeconds: 20, minimumSamples: 7 })),
      );
      await world.service.commandRollout(rollout.id, "promote");
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 0, "1.1.0": 100 });
    }, 120_000);

    test("are what routing: gradual starts, and takes a step further", async () => {
      const tenant = await sideBySide();
      const gradual = { oldVersion: "1.0.0", newVersion: "1.1.0", routing: "gradual" } as const;
      const first = await world.service.updateVersionRouting(tenant, "notes", gradual);
      expect(first).toMatchObject({ traffic: { "1.0.0": 99, "1.1.0": 1 }, acknowledged: true });
      const second = await world.service.updateVersionRouting(tenant, "notes", gradual);
      expect(second).toMatchObject({ traffic: { "1.0.0": 95, "1.1.0": 5 }, rolloutId: first.rolloutId });
      await world.service.rollbackTenant(tenant, "notes");
      const ended = await until(world, first.rolloutId ?? "", ({ finishedAt }) => finishedAt !== null);
      expect(ended).toMatchObject({ status: "aborted", reason: "One of the versions is not live any more." });
    }, 120_000);

    test("promote themselves where nobody makes requests, on requests of their own", async () => {
      const tenant = await sideBySide();
      const { id } = await world.service.startRollout({
        module: "notes",
        tenants: [tenant],
        newVersion: "1.1.0",
        policy: {
          steps: [{ weight: 50, holdSeconds: 0 }],
          passes: 1,
          minimumSamples: 10,
          onNoTraffic: "synthetic",
          // Processes on a busy machine answer when they can.
          analyses: [{ name: "errors", metric: "error-rate" }],
        },
      });
      const ended = await until(world, id, ({ finishedAt }) => finishedAt !== null);
      expect(ended).toMatchObject({ status: "promoted", weight: 100 });
      expect(ended.verdicts[0]).toMatchObject({ verdict: "pass", analyses: [{ samples: { old: 10, new: 10 } }] });
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 0, "1.1.0": 100 });
    }, 120_000);
  });
}

/** The rollout when it is as is waited for. */
async function until(world: ServiceWorld, id: string, is: (rollout: Rollout) => boolean): Promise<Rollout> {
  for (;;) {
    const rollout = await world.service.getRollout(id);
    if (is(rollout)) return rollout;
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}
