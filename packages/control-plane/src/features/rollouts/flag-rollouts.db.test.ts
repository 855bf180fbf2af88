import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Rollout, RolloutPolicyInput } from "@aibos/contract";
import { type FlagSetting, parseVersion } from "@aibos/domain";
import { seedTenantModule, seedVersion } from "../../testing/test-catalog.ts";
import { declareFlags } from "../feature-flags/declare-flags.ts";
import { createFlagApi } from "../feature-flags/flag-api.ts";
import { createFlagEvaluators } from "../feature-flags/flag-evaluators.ts";
import { createFlagKeys } from "../feature-flags/flag-keys.ts";
import { createTenantVersions } from "../feature-flags/tenant-versions.ts";
import { moduleManifestSchema } from "@aibos/contract";
import { createModuleReadModel } from "../modules/module-read-model.ts";
import { readRollout } from "./rollout-read-model.ts";
import {
  type Behaviour,
  createRolloutWorld,
  evenLatencies,
  NOTES,
  type RolloutWorld,
  SILENT,
} from "./testing/rollout-world.ts";

// Rollouts of flags on a real database, with measurements as gateways send them, at a clock that the test turns.

vi.setConfig({ testTimeout: 120_000 });

const V1 = parseVersion("1.0.0");
const FLAGS = {
  good: { type: "boolean", default: false },
  bad: { type: "boolean", default: false },
  theme: { type: "string", default: "light", variants: { light: "light", dark: "dark" } },
  driven: { type: "boolean", default: false },
  aimed: { type: "boolean", default: false },
};
const QUICK = {
  steps: [
    { weight: 10, holdSeconds: 20 },
    { weight: 50, holdSeconds: 20 },
  ],
  minimumSamples: 50,
  passes: 2,
};
const LONG = { ...QUICK, steps: [{ weight: 30, holdSeconds: 86_400 }] };

let world: RolloutWorld;
let flags: ReturnType<typeof createFlagApi>;
let close: () => Promise<void>;
beforeAll(async () => {
  world = await createRolloutWorld();
  const { database, notifications } = world.control;
  await seedVersion(database, NOTES, V1);
  await seedTenantModule(database, { tenant: "acme", module: NOTES, weights: { [V1]: 10_000 } });
  const manifest = { id: NOTES, version: V1, title: "Notes", runtime: { command: ["true"] }, flags: FLAGS };
  await database.transaction((tx) => declareFlags(tx, moduleManifestSchema.parse(manifest)));
  const evaluators = createFlagEvaluators({ database, notifications, log: SILENT });
  const versions = createTenantVersions({ database, notifications, now: Date.now });
  flags = createFlagApi({
    database,
    modules: createModuleReadModel(database),
    evaluators,
    versions,
    keys: createFlagKeys({ database, secret: "secret of a test", now: Date.now }),
    now: Date.now,
  });
  close = async () => {
    await evaluators.close();
    versions.close();
  };
});
afterAll(async () => {
  await close();
  await world[Symbol.asyncDispose]();
});

const start = (flag: string, policy: RolloutPolicyInput = QUICK, more: object = {}): Promise<Rollout> =>
  world.startFlag(flag, { by: "user", policy: policy as object, insist: false, ...more });
const setRule = (flag: string, setting: object | null) =>
  flags.setFlagRule({
    params: { module: NOTES, flag },
    query: {},
    body: { level: "module", setting: setting as never, author: "ann" },
  });
const historyOf = async (flag: string) =>
  (await flags.getFlagHistory({ params: { module: NOTES, flag }, query: { limit: 50 }, body: undefined })).items;
async function ruleOf(flag: string): Promise<FlagSetting | undefined> {
  const row = await world.control.database.db
    .selectFrom("flag_overrides")
    .select("setting")
    .where("flag", "=", flag)
    .executeTakeFirst();
  return row?.setting;
}
const same: Behaviour = { latencies: evenLatencies(100) };

describe("a flag's rollout", () => {
  test("of a variant that does no harm goes through its steps, and then everybody has it", async () => {
    const begun = await start("good");
    expect(begun).toMatchObject({
      status: "running",
      weight: 10,
      oldVersion: null,
      flag: { key: "good", variant: "on", by: "user", segment: null },
    });
    expect(await ruleOf("good")).toEqual({ rollout: { variant: "on", by: "user", percent: 10, guarded: true } });
    const shares: unknown[] = [];
    let rollout = begun;
    for (let n = 0; rollout.finishedAt === null && n < 30; n += 1) {
      rollout = await world.passFlag(begun.id, 1, { out: same, in: same });
      shares.push((await ruleOf("good"))?.rollout?.percent ?? "all");
    }
    expect(rollout).toMatchObject({ status: "promoted", weight: 100, tenants: [] });
    expect(rollout.reason).toMatch(/^Promoted: Pass, at a false alarm rate of 0\.01: /);
    expect([...new Set(shares)]).toEqual([10, 50, "all"]);
    expect(await ruleOf("good")).toEqual({ variant: "on" });
    const history = await historyOf("good");
    expect(history.map(({ kind, author }) => [kind, author])).toEqual(
      history.map(() => ["rollout", `rollout ${begun.id}`]),
    );
    expect(history[0]?.reason).toBe(rollout.reason);
  });

  test("of one with which more requests fail is undone by itself, to the rule that was there, and says why", async () => {
    const before = { targeting: { if: [{ "==": [{ var: "tenant.id" }, "nobody"] }, "on"] }, value: false };
    await setRule("bad", before);
    const { id } = await start("bad", LONG);
    expect(await ruleOf("bad")).toEqual({
      ...before,
      rollout: { variant: "on", by: "user", percent: 30, guarded: true },
    });
    const rollout = await world.passFlag(id, 20, {
      out: { latencies: evenLatencies(700), errors: 7 },
      in: { latencies: evenLatencies(300), errors: 24 },
    });
    expect(rollout).toMatchObject({ status: "rolled-back", weight: 0 });
    expect(rollout.reason).toMatch(/^Fail: error-rate 8 % against 1 % .* is worse than is tolerated/);
    expect(await ruleOf("bad")).toEqual(before);
    await expect(start("bad", LONG)).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_COOLING_DOWN" });
    const again = await start("bad", LONG, { insist: true });
    expect(again.status).toBe("running");
    await world.command(again.id, "abort");
    expect(await ruleOf("bad")).toEqual(before);
  });

  test("of one that is slow is undone before its window is over", async () => {
    const { id } = await start("theme", LONG, { variant: "dark" });
    let rollout: Rollout | undefined;
    for (let n = 0; n < 4 && rollout?.finishedAt == null; n += 1) {
      rollout = await world.passFlagPart(id, 2, {
        out: { latencies: evenLatencies(140) },
        in: { latencies: evenLatencies(60, 20) },
      });
    }
    expect(rollout).toMatchObject({ status: "rolled-back", reason: expect.stringMatching(/^Fail: p95 /) });
    expect(await ruleOf("theme")).toBeUndefined();
  });

  test("has the flag's rule for itself until it ends, but for a kill switch", async () => {
    const { id } = await start("driven", LONG);
    await expect(setRule("driven", { value: true })).rejects.toMatchObject({
      code: "AIBOS_FLAG_ROLLOUT_ACTIVE",
      rolloutId: id,
    });
    await expect(start("driven")).rejects.toMatchObject({ code: "AIBOS_FLAG_ROLLOUT_ACTIVE" });
    const [last] = await historyOf("driven");
    const revert = flags.revertFlagChange({
      params: { module: NOTES, revision: last?.revision ?? 0 },
      query: {},
      body: { author: "ann" },
    });
    await expect(revert).rejects.toMatchObject({ code: "AIBOS_FLAG_CHANGE_NOT_FOUND" });
    const kill = { params: { module: NOTES, flag: "driven" }, query: {}, body: { killed: true, author: "ann" } };
    await flags.killFlag(kill);
    // Nobody meets it any more: it waits.
    const held = await world.passFlag(id, 3, {});
    expect(held).toMatchObject({ status: "running", weight: 30, reason: expect.stringMatching(/^No traffic/) });
    expect(await world.command(id, "promote")).toMatchObject({ status: "promoted" });
    await expect(start("driven")).rejects.toMatchObject({ refusals: [{ message: expect.stringContaining("killed") }] });
  });

  test("can be for a segment alone, and begins where a rollout by hand had come to", async () => {
    await flags.setFlagSegment({
      params: { module: NOTES, segment: "beta" },
      query: {},
      body: { when: { "==": [{ var: "tenant.id" }, "acme"] }, author: "ann" },
    });
    const { weight, id, flag } = await start("aimed", QUICK, { segment: "beta" });
    expect([weight, flag?.segment]).toEqual([10, "beta"]);
    const rows = await world.control.database.db
      .selectFrom("flag_overrides")
      .select(["level", "segment"])
      .where("flag", "=", "aimed")
      .execute();
    expect(rows).toEqual([{ level: "segment", segment: "beta" }]);
    await world.command(id, "abort");
    await setRule("aimed", { rollout: { percent: 20 } });
    expect((await start("aimed")).weight).toBe(50);
  });

  test.each<[string, string, RolloutPolicyInput, object, string]>([
    ["a variant that there isn't", "theme", QUICK, { variant: "blue" }, "AIBOS_FLAGS_INVALID"],
    ["no variant of a text", "theme", QUICK, {}, "AIBOS_FLAGS_INVALID"],
    ["a flag that there isn't", "nothing", QUICK, {}, "AIBOS_FLAG_NOT_FOUND"],
    ["a stickiness, which is a version's", "theme", { stickiness: "keep" }, {}, "AIBOS_ROLLOUT_POLICY_INVALID"],
    [
      "a number of versions",
      "theme",
      { analyses: [{ name: "cpu", metric: "cpu" }] },
      { variant: "dark" },
      "AIBOS_ROLLOUT_POLICY_INVALID",
    ],
  ])("is refused with %s", async (_, flag, policy, more, code) => {
    await expect(start(flag, policy, { insist: true, ...more })).rejects.toMatchObject({ code });
  });

  test("goes on after another process took it over, and ends when no version declares the flag any more", async () => {
    await setRule("aimed", null).catch(() => undefined);
    const { database } = world.control;
    const open = await database.db.selectFrom("rollouts").select("id").where("finished_at", "is", null).execute();
    expect(open).toHaveLength(1);
    await database.db.updateTable("tenant_module_instances").set({ status: "retired" }).execute();
    await world.looker.look(open[0]?.id ?? "");
    expect(await readRollout(database.db, open[0]?.id ?? "")).toMatchObject({
      status: "aborted",
      reason: "No live version declares the flag any more.",
    });
    expect(await ruleOf("aimed")).toEqual({ rollout: { variant: "on", by: "user", percent: 20 } });
  });
});
