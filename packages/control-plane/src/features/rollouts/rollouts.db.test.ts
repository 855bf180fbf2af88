import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseTenantId } from "@aibos/domain";
import { startRolloutEngine } from "./rollout-engine.ts";
import { countRollouts } from "./rollout-read-model.ts";
import {
  createRolloutWorld,
  evenLatencies,
  NEW,
  NOTES,
  OLD,
  type RolloutWorld,
  SAME,
  SILENT,
} from "./testing/rollout-world.ts";

// Dozens of looks at real measurements, however busy the machine is.
vi.setConfig({ testTimeout: 180_000 });

let world: RolloutWorld;
beforeAll(async () => {
  world = await createRolloutWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Two steps that pass as soon as there is evidence enough. */
const QUICK = {
  steps: [
    { weight: 10, holdSeconds: 20 },
    { weight: 50, holdSeconds: 20 },
  ],
  minimumSamples: 50,
  passes: 2,
};
const BACK = { [OLD]: 10_000, [NEW]: 0 };
const command = (rolloutId: string, name: "pause" | "resume" | "approve" | "step" | "promote" | "abort") =>
  world.api.commandRollout({ params: { rolloutId }, query: {}, body: { command: name } });
const revisionOf = async (): Promise<number> =>
  (await world.control.database.db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow()).revision;

describe("a rollout", () => {
  test("of an equal version goes through its steps and promotes itself", async () => {
    const tenant = await world.tenant();
    const begun = await world.start([tenant], QUICK);
    expect(begun).toMatchObject({ status: "running", step: 1, phase: "watch", weight: 10, oldVersion: OLD });
    expect(await world.shares(tenant)).toEqual({ [OLD]: 9_000, [NEW]: 1_000 });
    const shares: number[] = [];
    let rollout = begun;
    while (rollout.finishedAt === null && shares.length < 30) {
      rollout = await world.pass(begun.id, 1);
      shares.push(rollout.weight);
    }
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(rollout).toMatchObject({ status: "promoted", weight: 100, tenants: [{ status: "promoted" }] });
    expect(rollout.reason).toMatch(/^Promoted: Pass, at a false alarm rate of 0\.01: /);
    expect(await world.shares(tenant)).toEqual({ [OLD]: 0, [NEW]: 10_000 });
    expect(rollout.verdicts.map(({ verdict }) => verdict)).toContain("pass");
    expect(rollout.verdicts[0]?.analyses.map(({ name }) => name)).toEqual(["error-rate", "p95"]);
  });

  test("of a version with 1 % more errors is undone, in the revision that the verdict is stored with, and says why", async () => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], { ...QUICK, steps: [{ weight: 30, holdSeconds: 86_400 }] });
    const before = await revisionOf();
    let rollout = await world.pass(id, 1);
    for (let n = 0; rollout.finishedAt === null && n < 40; n += 1) {
      rollout = await world.pass(id, 1, () => ({
        old: { latencies: evenLatencies(700), errors: 7 },
        fresh: { latencies: evenLatencies(300), errors: 6 },
      }));
    }
    expect(rollout).toMatchObject({ status: "rolled-back", weight: 0, phase: "ended" });
    expect(rollout.reason).toMatch(
      /^Fail: error-rate 1\.98 % against 0\.995 % .* is worse than is tolerated: evidence \d/,
    );
    expect(rollout.verdicts[0]).toMatchObject({ verdict: "fail", sentence: rollout.reason });
    expect(rollout.tenants).toEqual([{ tenant, status: "returned", reason: rollout.reason }]);
    expect(await world.shares(tenant)).toEqual(BACK);
    expect(await revisionOf()).toBe(before + 1);
  });

  test("of a version that is slower in p95 only is undone", async () => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], { ...QUICK, steps: [{ weight: 30, holdSeconds: 86_400 }] });
    const slow = { latencies: [...evenLatencies(80), ...evenLatencies(20, 8)] };
    const rollout = await world.pass(id, 20, () => ({ old: { latencies: evenLatencies(200) }, fresh: slow }));
    expect(rollout.status).toBe("rolled-back");
    expect(rollout.reason).toMatch(/^Fail: p95 /);
    expect(await world.shares(tenant)).toEqual(BACK);
  });

  test("returns the one tenant of thirty that has a regression, and goes on with the others", async () => {
    const tenants = await Promise.all(Array.from({ length: 30 }, () => world.tenant()));
    const bad = tenants[17] ?? "";
    const { id } = await world.start(tenants, {
      ...QUICK,
      steps: [{ weight: 20, holdSeconds: 60 }],
      minimumSamples: 100,
    });
    const rollout = await world.pass(id, 8, (tenant) => ({
      old: { latencies: evenLatencies(40) },
      fresh: { latencies: evenLatencies(10), errors: tenant === bad ? 5 : 0 },
    }));
    expect(rollout.status).toBe("promoted");
    expect(rollout.tenants.filter(({ status }) => status !== "promoted")).toEqual([
      {
        tenant: bad,
        status: "returned",
        reason: expect.stringMatching(new RegExp(`^Fail: for ${bad}, error-rate 50 % against 0 %`)),
      },
    ]);
    expect(await world.shares(bad)).toEqual(BACK);
    expect(await world.shares(tenants[3] ?? "")).toEqual({ [OLD]: 0, [NEW]: 10_000 });
  });

  test("with almost no traffic holds where it is, unless it may go on", async () => {
    const few = () => ({ old: { latencies: [100] }, fresh: { latencies: [100] } });
    const held = await world.start([await world.tenant()], QUICK);
    expect(await world.pass(held.id, 6, few)).toMatchObject({
      status: "running",
      weight: 10,
      reason: expect.stringMatching(/^Inconclusive: .* rests on too few requests: 50 are needed\.$/),
    });
    await command(held.id, "abort");
    const bold = await world.start([await world.tenant()], {
      ...QUICK,
      onInconclusive: "advance",
      onNoTraffic: "advance",
    });
    expect(await world.pass(bold.id, 10, few)).toMatchObject({ status: "promoted" });
  });

  test("may look at other rollouts of the same versions at the same share when its own traffic is too little", async () => {
    const busy = await world.start([await world.tenant()], { ...QUICK, steps: [{ weight: 10, holdSeconds: 86_400 }] });
    await world.pass(busy.id, 3);
    const small = await world.start([await world.tenant()], { ...QUICK, onInconclusive: "pool" });
    const few = () => ({ old: { latencies: [100] }, fresh: { latencies: [100] } });
    const rollout = await world.pass(small.id, 4, few);
    expect(rollout.weight).toBe(50);
    await command(busy.id, "abort");
    await command(small.id, "abort");
  });

  test("begins at the first step beyond the share that the new version has", async () => {
    const tenant = await world.tenant({ [OLD]: 7_500, [NEW]: 2_500 });
    expect(await world.start([tenant], QUICK)).toMatchObject({ step: 2, weight: 50 });
  });
});

describe("a window that is not over", () => {
  const bad = () => ({ old: { latencies: evenLatencies(60) }, fresh: { latencies: evenLatencies(30), errors: 15 } });

  test("undoes a bad version within it, and lets no other one pass", async () => {
    const { id } = await world.start([await world.tenant()], QUICK);
    expect(await world.passPart(id, 2, bad)).toMatchObject({
      status: "rolled-back",
      reason: expect.stringMatching(/^Fail: error-rate 50 % against 0 % \(30 and 60 requests/),
    });
    const quick = { ...QUICK, steps: [{ weight: 50, holdSeconds: 0 }], passes: 1, minimumSamples: 20 };
    const good = await world.start([await world.tenant()], quick);
    const found = await world.passPart(good.id, 2, () => ({ old: SAME, fresh: SAME }));
    expect(found).toMatchObject({ status: "running", phase: "watch", verdicts: [] });
    await command(good.id, "abort");
  });

  test("undoes one of several tenants, and counts nothing twice when it is over", async () => {
    const tenants = [await world.tenant(), await world.tenant()];
    const [ill = "", well = ""] = tenants;
    const { id } = await world.start(tenants, { ...QUICK, steps: [{ weight: 50, holdSeconds: 86_400 }] });
    const behave = (tenant: string) => (tenant === ill ? bad() : { old: SAME, fresh: SAME });
    const early = await world.passPart(id, 2, behave);
    expect(early.tenants).toMatchObject([
      { tenant: ill, status: "returned" },
      { tenant: well, status: "running" },
    ]);
    const over = await world.pass(id, 1, behave);
    expect(over.verdicts[0]?.analyses[0]?.samples).toEqual({ old: 80, new: 80 });
    await command(id, "abort");
  });
});

describe("by hand", () => {
  test("a rollout is paused, resumed, approved, stepped and promoted", async () => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], {
      ...QUICK,
      steps: [
        { weight: 10, holdSeconds: 0, gates: [{ kind: "approval" }] },
        { weight: 50, holdSeconds: 0 },
      ],
      passes: 1,
      minimumSamples: 1,
    });
    expect(await world.pass(id, 1)).toMatchObject({
      weight: 0,
      phase: "gate",
      reason: `Waits for approval ("aibos-versions rollout approve ${id}").`,
    });
    await command(id, "approve");
    await expect(command(id, "approve")).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_COMMAND_REFUSED" });
    expect(await world.pass(id, 1)).toMatchObject({ weight: 10, phase: "watch" });
    expect(await command(id, "pause")).toMatchObject({ status: "paused" });
    expect(await world.pass(id, 5)).toMatchObject({ status: "paused", weight: 10 });
    await command(id, "resume");
    expect(await command(id, "step")).toMatchObject({ weight: 50, step: 2 });
    expect(await world.shares(tenant)).toEqual({ [OLD]: 5_000, [NEW]: 5_000 });
    expect(await command(id, "promote")).toMatchObject({ status: "promoted", weight: 100 });
    await expect(command(id, "abort")).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_COMMAND_REFUSED" });
    await expect(command("ro_none", "abort")).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_NOT_FOUND" });
  });

  test("rollouts under way are counted by status", async () => {
    const { db } = world.control.database;
    const before = await countRollouts(db);
    const [one, other] = [await world.start([await world.tenant()]), await world.start([await world.tenant()])];
    await command(one.id, "pause");
    const after = await countRollouts(db);
    expect([after.get("running"), after.get("paused")]).toEqual([
      (before.get("running") ?? 0) + 1,
      (before.get("paused") ?? 0) + 1,
    ]);
    for (const { id } of [one, other]) await command(id, "abort");
    expect(await countRollouts(db)).toEqual(before);
  });

  test("a paused rollout that fails is undone all the same", async () => {
    const { id } = await world.start([await world.tenant()], QUICK);
    await command(id, "pause");
    const rollout = await world.pass(id, 3, () => ({ old: SAME, fresh: { ...SAME, errors: 30 } }));
    expect(rollout.status).toBe("rolled-back");
  });

  test("with onFailure: hold, a failure pauses it where it is", async () => {
    const { id } = await world.start([await world.tenant()], { ...QUICK, onFailure: "hold" });
    const rollout = await world.pass(id, 3, () => ({ old: SAME, fresh: { ...SAME, errors: 30 } }));
    expect(rollout).toMatchObject({ status: "paused", weight: 10, reason: expect.stringMatching(/^Fail: /) });
    await command(id, "abort");
  });
});

describe("a start is refused", () => {
  test("while another rollout shares the traffic, and for versions that are not live", async () => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], QUICK);
    await expect(world.start([tenant], QUICK)).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_ACTIVE", rolloutId: id });
    const other = await world.tenant({ [OLD]: 10_000 });
    await expect(world.start([other], QUICK)).rejects.toMatchObject({ code: "AIBOS_VERSION_NOT_LIVE" });
  });

  test("for a while after the version was rolled back", async () => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], QUICK);
    await world.pass(id, 3, () => ({ old: SAME, fresh: { ...SAME, errors: 30 } }));
    await expect(world.start([tenant], QUICK)).rejects.toMatchObject({ code: "AIBOS_ROLLOUT_COOLING_DOWN" });
    expect(await world.start([tenant], { ...QUICK, cooldownSeconds: 0 })).toMatchObject({ status: "running" });
  });

  test("with a policy whose fields don't fit each other", async () => {
    const steps = [{ weight: 50 }, { weight: 10 }];
    await expect(world.start([await world.tenant()], { steps })).rejects.toMatchObject({
      code: "AIBOS_ROLLOUT_POLICY_INVALID",
      message: "The rollout's policy can't be used: steps.1.weight must be more than the step before, 50 %.",
    });
  });
});

describe("whatever happens", () => {
  test("a session that is ended in the middle of a look leaves nothing half done, and the next look does it", async () => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], QUICK);
    await world.pass(id, 1);
    const { database } = world.control;
    const subject = { tenant: parseTenantId(tenant), module: NOTES };
    const holder = await database.pool.connect();
    await holder.query("begin");
    await holder.query("select from aibos.tenant_modules where tenant = $1 and module = $2 for update", [
      subject.tenant,
      NOTES,
    ]);
    const before = await world.api.getRollout({ params: { rolloutId: id }, query: {}, body: undefined });
    const failing = world
      .pass(id, 1, () => ({ old: SAME, fresh: { ...SAME, errors: 40 } }))
      .catch((error: unknown) => error);
    for (let ended = 0; ended === 0;) {
      const { rows } = await holder.query<{ ended: string }>(
        `select count(pg_terminate_backend(pid)) as ended from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()`,
      );
      ended = Number(rows[0]?.ended);
    }
    expect(await failing).toBeInstanceOf(Error);
    await holder.query("commit");
    holder.release();
    expect(await world.api.getRollout({ params: { rolloutId: id }, query: {}, body: undefined })).toEqual(before);
    expect(await world.shares(tenant)).toEqual({ [OLD]: 9_000, [NEW]: 1_000 });
    await world.looker.look(id);
    expect(await world.shares(tenant)).toEqual(BACK);
  });

  test("a tenant that is busy gets its traffic back as soon as it is not", async () => {
    const tenants = [await world.tenant(), await world.tenant()];
    const [busy = "", idle = ""] = tenants;
    const { id } = await world.start(tenants, QUICK);
    const { db } = world.control.database;
    const subject = { tenant: parseTenantId(busy), module: NOTES };
    await db
      .insertInto("migration_records")
      .values({
        id: "mig_busy",
        ...subject,
        kind: "rollback-point",
        from_version: null,
        to_version: null,
        status: "running",
        request: "{}",
      })
      .execute();
    const occupy = (by: string | null) =>
      db.updateTable("tenant_modules").set({ migration_id: by }).where("tenant", "=", subject.tenant).execute();
    await occupy("mig_busy");
    const rollout = await world.pass(id, 3, () => ({ old: SAME, fresh: { ...SAME, errors: 30 } }));
    expect(rollout).toMatchObject({ status: "rolled-back" });
    expect([await world.shares(busy), await world.shares(idle)]).toEqual([{ [OLD]: 9_000, [NEW]: 1_000 }, BACK]);
    await occupy(null);
    const engine = startRolloutEngine({
      ...world.control,
      looker: world.looker,
      log: SILENT,
      now: () => world.now() + 60_000,
    });
    await engine.tick();
    await engine.stop();
    expect(await world.shares(busy)).toEqual(BACK);
  });

  test("it ends when somebody completes or retires one of the versions", async () => {
    const tenant = await world.tenant();
    const { id } = await world.start([tenant], QUICK);
    await world.control.database.db
      .updateTable("tenant_module_instances")
      .set({ status: "retired", retired_at: new Date() })
      .where("tenant", "=", parseTenantId(tenant))
      .where("version", "=", OLD)
      .execute();
    expect(await world.pass(id, 1)).toMatchObject({
      status: "aborted",
      reason: "One of the versions is not live any more.",
    });
  });
});
