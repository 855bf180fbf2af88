import { setTimeout as sleep } from "node:timers/promises";
import { RemoteError } from "@aibos/contract";
import { chooseVersion, parseTrafficSplit, slotOf } from "@aibos/domain";
import { type FaultWorld, insist, isAway } from "./fault-world.ts";
import { firstOf, type PartResult, spreadOf } from "./part.ts";
import { MODULE, NEW, OLD } from "./steady-module.ts";
import { Stickiness } from "./stickiness.ts";
import { type User, Users } from "./users.ts";

const CHANGED = "changed";
const UNDONE = "undone";
/** Changes of a rise; the next one takes all users back. */
const RISE = 25;
const ANSWERED_MS = 60_000;
const ATTEMPTS = 20;

/** How often each thing is done, all at the same time. */
export interface SteadyAmounts {
  readonly changes: number;
  readonly rollbacks: number;
  /** Of the control plane: by turns with kill -9 and with SIGTERM. */
  readonly restarts: number;
  /** Of one of the two gateway workers, in order. */
  readonly workerRestarts: number;
  /** Of each of two tenants. */
  readonly users: number;
}

/**
 * Changes of weights, rollbacks, restarts of the control plane and of a gateway worker under the requests of many users,
 * of which none may fail.
 */
export async function runSteadyService(world: FaultWorld, amounts: SteadyAmounts): Promise<PartResult> {
  const { events, controlPlane, gateway } = world;
  await world.createTenants([CHANGED, UNDONE]);
  const users = new Users({ gatewayUrl: gateway.url, events, thinkMs: 40 });
  const stickiness = new Stickiness(CHANGED);
  users.onAnswer = (answer) => stickiness.observe(answer, events.describe());
  for (const tenant of [CHANGED, UNDONE]) users.start(tenant, amounts.users);

  const late: string[] = [];
  const delays: number[] = [];
  const answers: number[] = [];
  let [changed, undone, away] = [0, 0, 0];
  await Promise.all([
    events.during("changes of weights", changeWeights),
    events.during("rollbacks", rollBack),
    restart(),
    restartWorkers(),
  ]);
  await users.stop();

  async function changeWeights(): Promise<void> {
    const users = new Map<number, User>();
    for (let change = 0, from = 100, to = 0; change < amounts.changes; change += 1) {
      const place = change % RISE;
      if (place === 0) stickiness.endRise();
      to = place === 0 ? 0 : place === RISE - 1 ? 100 : Math.round((100 * 100 * place) / (RISE - 1)) / 100;
      await changeTo(to);
      const prober = users.get(place) ?? userBetween(Math.min(from, to), Math.max(from, to));
      users.set(place, prober);
      if (change > 0) await waitForNewSplit(prober, to > from ? NEW : OLD);
      if (place === 0) stickiness.beginRise();
      from = to;
      changed += 1;
    }
  }

  /** Until every gateway has applied it: which of them have is in the answer. */
  async function changeTo(percent: number): Promise<void> {
    for (;;) {
      const started = Date.now();
      const { acknowledged } = await insist(() =>
        controlPlane.service.updateTrafficSplit(CHANGED, MODULE, { [OLD]: 100 - percent, [NEW]: percent }),
      );
      answers.push(Date.now() - started);
      if (acknowledged) return;
    }
  }

  async function waitForNewSplit(prober: User, expected: string): Promise<void> {
    const answeredAt = Date.now();
    for (let asked = 1; Date.now() < answeredAt + ANSWERED_MS; asked += 1) {
      const answer = await users.ask(prober);
      if (answer?.version === expected) {
        delays.push(answer.endedAt - answeredAt);
        if (asked > 1) late.push(`${asked - 1} answers by the old split after the change's, ${events.describe()}`);
        return;
      }
    }
    late.push(`no answer by the new split within ${ANSWERED_MS / 1_000} s`);
  }

  /** A user whom a change between two shares of the new version moves. */
  function userBetween(less: number, more: number): User {
    const at = (percent: number) => parseTrafficSplit({ [OLD]: 100 - percent, [NEW]: percent });
    for (let number = 0; ; number += 1) {
      const slot = slotOf(`${CHANGED}/${MODULE}`, `prober-${number}`);
      if (chooseVersion(at(less), slot) !== chooseVersion(at(more), slot)) {
        return users.user(CHANGED, `prober-${number}`);
      }
    }
  }

  async function rollBack(): Promise<void> {
    for (let done = 0; done < amounts.rollbacks; done += 1) {
      await untilLive(true, () => controlPlane.service.enableSideBySideVersions(UNDONE, MODULE, NEW));
      await insist(() => controlPlane.service.updateTrafficSplit(UNDONE, MODULE, { [OLD]: 50, [NEW]: 50 }));
      await untilLive(false, () => controlPlane.service.rollbackTenant(UNDONE, MODULE));
      undone += 1;
    }
  }

  /**
   * Brings the new version up or away, whatever became of an attempt whose answer was lost: it may run, or be over, so
   * that the next one is refused.
   */
  async function untilLive(wanted: boolean, attempt: () => Promise<unknown>): Promise<void> {
    for (let attempts = 0; ;) {
      const { instances, operation } = await insist(() => controlPlane.service.getTenantModule(UNDONE, MODULE));
      if (operation !== null) await controlPlane.service.waitForMigration(operation.id).catch(() => sleep(100));
      else if (instances.some(({ version }) => version === NEW) === wanted) return;
      else {
        attempts += 1;
        await attempt().catch((error: unknown) => {
          const isRefused = error instanceof RemoteError && error.status === 409;
          if (attempts > ATTEMPTS || !(isRefused || isAway(error))) throw error;
        });
      }
    }
  }

  /**
   * Until so many of a number of disturbances are due: they are spread over the changes and rollbacks, each at a random
   * instant after one. By the clock, a slow machine would restart all the time and change next to nothing.
   */
  async function untilDue(number: number, of: number): Promise<void> {
    const share = (number + 1) / (of + 1);
    const isDue = (): boolean => changed >= share * amounts.changes || undone >= share * amounts.rollbacks;
    while (!isDue()) await sleep(20);
    await sleep(Math.random() * 1_000);
  }

  async function restart(): Promise<void> {
    for (let done = 0; done < amounts.restarts; done += 1) {
      await untilDue(done, amounts.restarts);
      const how = done % 2 === 0 ? "kill" : "stop";
      const began = performance.now();
      await events.during(`restart ${done + 1} of the control plane by ${how}`, async () => {
        await controlPlane[how]();
        await sleep(Math.random() * 1_000);
        await controlPlane.start();
      });
      away += performance.now() - began;
    }
  }

  async function restartWorkers(): Promise<void> {
    for (let done = 0; done < amounts.workerRestarts; done += 1) {
      await untilDue(done, amounts.workerRestarts);
      const worker = 1 + (done % 2);
      await events.during(`the restart of worker ${worker}`, () => gateway.replaceWorker(worker, "SIGTERM"));
    }
  }

  return {
    problems: [
      ...firstOf(users.failures.map(({ text }) => `a request failed: ${text}`)),
      ...firstOf(stickiness.problems),
      ...firstOf(late),
    ],
    figures: [
      `${users.requests} requests of ${2 * amounts.users} users, ${users.failures.length} failed`,
      `${amounts.changes} changes of weights, ${amounts.rollbacks} rollbacks, ${amounts.restarts} restarts of the ` +
        `control plane, which was away for ${Math.round(away / 1_000)} s, ${amounts.workerRestarts} of a gateway worker`,
      `a change, until its answer that all gateways have it: ${spreadOf(answers, "ms")}`,
      `from that answer to the first response by the new split: ${spreadOf(delays, "ms")}`,
      `${stickiness.rises} rises of the weights, ${stickiness.problems.length} users who went back in one`,
    ],
  };
}
