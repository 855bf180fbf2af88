import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { SLOTS } from "@aibos/domain";
import type { FaultWorld, RestartedControlPlane } from "./fault-world.ts";
import { firstOf, type PartResult, spreadOf } from "./part.ts";
import { readRolloutFacts, type RolloutFacts } from "./rollout-facts.ts";
import { createSleepingTrigger } from "./sleeping-trigger.ts";
import { FAILING_PATH, MODULE, NEW, OLD } from "./steady-module.ts";
import { Users } from "./users.ts";

const STEPS = [20, 60];
/** Shares of the new version that gateways are told, of a version that is as good and of one that fails. */
const PROMOTED = [2_000, 6_000, SLOTS];
const RETURNED = [2_000, 0];
const END_MS = 300_000;
/** Between an answer and its user's next request. */
const THINK_MS = 300;

export interface KilledRolloutsAmounts {
  /** Rollouts of a version that is as good as the old one, and as many of one that fails. */
  readonly rollouts: number;
  /** Rollouts of a failing version with nobody killed, to measure how soon all traffic is back. */
  readonly measured: number;
  readonly usersOfTenant: number;
}

/**
 * Rollouts under way while two control planes are killed at random instants, and between a verdict and what follows from
 * it. Each ends once, as its version deserves, and gateways were told each of its moves once.
 */
export async function runKilledRollouts(world: FaultWorld, amounts: KilledRolloutsAmounts): Promise<PartResult> {
  const { client, events } = world;
  const second = await world.startControlPlane("second");
  const controlPlanes = [world.controlPlane, second];
  const named = (name: string, count: number) => Array.from({ length: count }, (_, number) => `${name}-${number}`);
  const good = named("good", amounts.rollouts);
  const bad = named("bad", amounts.rollouts);
  const measured = named("measured", amounts.measured);
  await world.createTenants([...good, ...bad, ...measured]);
  const someUsers = (): Users => new Users({ gatewayUrl: world.gateway.url, events, thinkMs: THINK_MS });
  const [calmUsers, users] = [someUsers(), someUsers()];
  /** When the newest answer of the new version came, by tenant. */
  const lastNew = new Map<string, number>();
  calmUsers.onAnswer = ({ tenant, version, endedAt }) => {
    if (version === NEW) lastNew.set(tenant, endedAt);
  };
  const problems: string[] = [];

  const calm = await startRollouts(calmUsers, measured, FAILING_PATH);
  await untilEnded(calm);
  const delays: number[] = [];
  // Requests that began at the old version's turn have ended by then.
  await sleep(500);
  await calmUsers.stop();
  for (const [tenant, id] of calm) {
    const facts = await readRolloutFacts(client, id);
    expectEnd(tenant, facts, "rolled-back", RETURNED);
    const [failedAt = NaN] = facts.failedAt;
    delays.push(Math.max(0, (lastNew.get(tenant) ?? failedAt) - failedAt));
  }

  const promoted = await startRollouts(users, good, "/");
  const returned = await startRollouts(users, bad, FAILING_PATH);
  const all = new Map([...promoted, ...returned]);
  let kills = 0;
  const atVerdict = await killAtVerdict();
  await killUntilEnded(all);
  await users.stop();
  for (const [tenant, id] of promoted) {
    expectEnd(tenant, await readRolloutFacts(client, id), "promoted", PROMOTED);
  }
  for (const [tenant, id] of returned) {
    expectEnd(tenant, await readRolloutFacts(client, id), "rolled-back", RETURNED);
  }
  const failures = [...calmUsers.failures, ...users.failures];
  problems.push(...firstOf(failures.map(({ text }) => `a request failed: ${text}`)));

  async function startRollouts(users: Users, tenants: readonly string[], path: string): Promise<Map<string, string>> {
    const started = new Map<string, string>();
    for (const tenant of tenants) {
      users.start(tenant, amounts.usersOfTenant, path);
      const { id } = await world.controlPlane.service.startRollout({
        module: MODULE,
        tenants: [tenant],
        oldVersion: OLD,
        newVersion: NEW,
        policy: {
          steps: STEPS.map((weight) => ({ weight, holdSeconds: 1 })),
          minimumSamples: 5,
          passes: 1,
          // Latencies are those of a busy machine; the failing version fails in its answers.
          analyses: [{ name: "error-rate", metric: "error-rate", tolerance: { absolute: 0.001 } }],
        },
      });
      started.set(tenant, id);
    }
    return started;
  }

  async function haveEnded(rollouts: ReadonlyMap<string, string>): Promise<boolean> {
    const { rows } = await client.query<{ left: number }>(
      "select count(*)::integer as left from aibos.rollouts where id = any($1) and finished_at is null",
      [[...rollouts.values()]],
    );
    return rows[0]?.left === 0;
  }

  async function untilEnded(rollouts: ReadonlyMap<string, string>): Promise<void> {
    for (const until = Date.now() + END_MS; !(await haveEnded(rollouts)); await sleep(100)) {
      if (Date.now() > until) throw new Error(`Rollouts have not ended within ${END_MS / 1_000} s.`);
    }
  }

  async function restart(controlPlane: RestartedControlPlane, why: string): Promise<void> {
    kills += 1;
    await events.during(`kill -9 of a control plane ${why}`, async () => {
      await controlPlane.kill();
      await controlPlane.start();
    });
  }

  /** Kills whoever gave a failing verdict before its transaction went on; nothing of it may be seen. */
  async function killAtVerdict(): Promise<number> {
    let done = 0;
    await using trigger = await createSleepingTrigger(
      client,
      "aibos.rollout_verdicts",
      "when (new.verdict = 'fail')",
      false,
    );
    await trigger.arm(600);
    const pid = await trigger.reached();
    const { rows } = await client.query<{ count: number }>(
      "select count(*)::integer as count from aibos.rollout_verdicts where rollout_id = any($1) and verdict = 'fail'",
      [[...all.values()]],
    );
    if (rows[0]?.count !== 0) problems.push("a verdict was seen before what followed from it");
    await trigger.disarm();
    for (const controlPlane of controlPlanes.filter((one) => one.pid === pid)) {
      await restart(controlPlane, "between a verdict and its move");
      done += 1;
    }
    if (done !== 1) problems.push(`the process ${pid}, which slept at a verdict, is none of the control planes`);
    return done;
  }

  async function killUntilEnded(rollouts: ReadonlyMap<string, string>): Promise<void> {
    for (const until = Date.now() + END_MS; !(await haveEnded(rollouts));) {
      if (Date.now() > until) {
        problems.push(`rollouts have not ended within ${END_MS / 1_000} s`);
        return;
      }
      await sleep(1_000 + Math.random() * 4_000);
      const controlPlane = controlPlanes[Math.random() < 0.5 ? 0 : 1];
      if (controlPlane !== undefined) await restart(controlPlane, "during rollouts");
    }
  }

  function expectEnd(tenant: string, facts: RolloutFacts, outcome: string, moves: readonly number[]): void {
    const wrong = (what: string): void => void problems.push(`the rollout of ${tenant} ${what}`);
    const status = outcome === "promoted" ? "promoted" : "returned";
    if (facts.outcome !== outcome) wrong(`ended ${facts.outcome ?? "not at all"}, not ${outcome}: ${facts.reason}`);
    if (facts.tenantStatus !== status) wrong(`left the tenant ${facts.tenantStatus}, not ${status}`);
    const sum = Object.values(facts.weights).reduce((total, weight) => total + weight, 0);
    if (sum !== SLOTS) wrong(`left weights that add up to ${sum}`);
    if (facts.weights[NEW] !== moves.at(-1)) wrong(`left the new version ${facts.weights[NEW]} of ${SLOTS}`);
    if (!isDeepStrictEqual(facts.moves, moves)) wrong(`moved ${facts.moves.join(" → ")}, not ${moves.join(" → ")}`);
    if (facts.repeatedVerdicts > 0) wrong(`has ${facts.repeatedVerdicts} verdicts twice`);
    const fails = outcome === "promoted" ? 0 : 1;
    if (facts.failedAt.length !== fails) wrong(`has ${facts.failedAt.length} failing verdicts, not ${fails}`);
    if (fails === 1 && !facts.reason.startsWith("Fail: error-rate "))
      wrong(`does not say why it failed: ${facts.reason}`);
  }

  return {
    problems,
    figures: [
      `${calmUsers.requests + users.requests} requests, ${failures.length} failed besides those that the version failed on purpose`,
      `${promoted.size} rollouts promoted and ${returned.size} returned through ${kills} kills of two control planes, ` +
        `${atVerdict} of them between a verdict and its move`,
      `from a failing verdict to the last answer of the new version: ${spreadOf(delays, "ms")}`,
    ],
  };
}
