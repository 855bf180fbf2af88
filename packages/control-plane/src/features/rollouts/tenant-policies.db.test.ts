import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseTenantId } from "@aibos/domain";
import { readRoutePolicy } from "../routing/route-policy-store.ts";
import { createRolloutWorld, NEW, NOTES, OLD, type RolloutWorld, SAME } from "./testing/rollout-world.ts";

// Dozens of looks at real measurements, however busy the machine is.
vi.setConfig({ testTimeout: 180_000 });

let world: RolloutWorld;
beforeAll(async () => {
  world = await createRolloutWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const QUICK = { steps: [{ weight: 10, holdSeconds: 20 }], minimumSamples: 50 };
const BACK = { [OLD]: 10_000, [NEW]: 0 };

describe("what tenants say themselves", () => {
  const say = (tenant: string, policy: object) =>
    world.api.setRolloutPolicy({ params: { tenant: parseTenantId(tenant), module: NOTES }, query: {}, body: policy });

  test("counts where the rollout says nothing, for several tenants when all of them say the same", async () => {
    const tenants = [await world.tenant(), await world.tenant(), await world.tenant()];
    const [a = "", b = "", c = ""] = tenants;
    for (const tenant of [a, b]) await say(tenant, { targetSeconds: 50, minimumSamples: 7 });
    const both = await world.start([a, b], { minimumSamples: 9 });
    expect(both.steps[0]).toEqual({ weight: 1, holdSeconds: 10, minimumSamples: 9 });
    await world.api.commandRollout({ params: { rolloutId: both.id }, query: {}, body: { command: "abort" } });
    await expect(world.start(tenants, { minimumSamples: 9 })).rejects.toMatchObject({
      code: "AIBOS_ROLLOUT_POLICY_INVALID",
      message: `The rollout's policy can't be used: targetSeconds is not the same for ${a} and ${c}: start them apart, or say it for this rollout.`,
    });
    expect(await world.start(tenants, { ...QUICK, targetSeconds: 9 })).toMatchObject({ status: "running", weight: 10 });
  });

  test("is forgotten when it is replaced by nothing", async () => {
    const tenant = await world.tenant();
    await say(tenant, { targetSeconds: 50 });
    await say(tenant, {});
    expect((await world.start([tenant])).steps[0]).toMatchObject({ holdSeconds: 720 });
  });
});

describe("users of a version that is undone", () => {
  const leaving = async (tenant: string) => {
    const { db } = world.control.database;
    const policy = await readRoutePolicy(db, { tenant: parseTenantId(tenant), module: NOTES });
    return policy.leaving;
  };
  const undone = async (policy: object): Promise<string> => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], { ...QUICK, ...policy });
    await world.pass(id, 3, () => ({ old: SAME, fresh: { ...SAME, errors: 30 } }));
    expect(await world.shares(tenant)).toEqual(BACK);
    return tenant;
  };

  test("go back at once unless told", async () => {
    expect(await leaving(await undone({}))).toBeNull();
  });

  test("stay for a while, or for as long as it serves, where the policy says so; whoever comes later doesn't", async () => {
    const weights = expect.arrayContaining([
      { version: OLD, weight: 9_000 },
      { version: NEW, weight: 1_000 },
    ]);
    const drained = await leaving(await undone({ stickiness: "drain", drainSeconds: 60 }));
    expect(drained).toMatchObject({ weights, until: (drained?.since ?? 0) + 60_000 });
    expect(await leaving(await undone({ stickiness: "keep" }))).toMatchObject({ weights, until: null });
  });
});

describe("of three live versions", () => {
  const OTHER = "0.9.0";

  test("the third keeps its share, and users go back to the version that was named", async () => {
    const tenant = await world.tenant({ [OTHER]: 4_000, [OLD]: 6_000, [NEW]: 0 });
    await expect(world.start([tenant], QUICK, null)).rejects.toMatchObject({ code: "AIBOS_VERSION_NOT_LIVE" });
    const { id } = await world.start([tenant], QUICK);
    expect(await world.shares(tenant)).toEqual({ [OTHER]: 4_000, [OLD]: 5_400, [NEW]: 600 });
    await world.pass(id, 3, () => ({ old: SAME, fresh: { ...SAME, errors: 30 } }));
    expect(await world.shares(tenant)).toEqual({ [OTHER]: 4_000, [OLD]: 6_000, [NEW]: 0 });
  });
});
