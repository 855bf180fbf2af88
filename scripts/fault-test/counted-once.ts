import { setTimeout as sleep } from "node:timers/promises";
import { readCounted, readTotals, waitUntilStored } from "./counted.ts";
import type { FaultWorld } from "./fault-world.ts";
import { firstOf, type PartResult } from "./part.ts";
import { createSleepingTrigger } from "./sleeping-trigger.ts";
import { Users } from "./users.ts";

const TENANT = "counted";

export interface CountedAmounts {
  /** Kills of the control plane at any instant, and as many before and after the commit of a batch. */
  readonly controlPlaneKills: number;
  /** Of the whole gateway, with measurements on disk; and as many of one worker under load. */
  readonly gatewayKills: number;
  readonly users: number;
}

/**
 * Every request that was answered is counted once, in PostgreSQL, through kill -9 of the control plane and of the
 * gateway. The one exception is stated: what a killed gateway process had not written to its disk yet, which is what it
 * answered within the last flush interval, and what was under way there.
 */
export async function runCountedOnce(world: FaultWorld, amounts: CountedAmounts): Promise<PartResult> {
  const { client, controlPlane, events } = world;
  const { folder } = world.gateway;
  await world.createTenants([TENANT]);
  const problems: string[] = [];
  const figures: string[] = [];
  let answeredBefore = 0;
  let lostBefore = 0;

  /** Lets users live while something is done, and returns them. */
  async function underLoad(work: () => Promise<void>): Promise<Users> {
    const users = new Users({ gatewayUrl: world.gateway.url, events, thinkMs: 20 });
    users.start(TENANT, amounts.users);
    await work();
    await users.stop();
    answeredBefore += users.answered.get(TENANT) ?? 0;
    return users;
  }

  /** With everything that was answered up to now. */
  async function expectAllCounted(what: string): Promise<void> {
    const expected = answeredBefore - lostBefore;
    const stored = await waitUntilStored(client, folder, TENANT, expected);
    if (stored !== expected) problems.push(`${what}: ${expected} requests were answered, ${stored} are counted`);
  }

  function expectNoFailure(what: string, users: Users): void {
    problems.push(...firstOf(users.failures.map(({ text }) => `${what}: a request failed: ${text}`)));
  }

  // The control plane alone: everything is counted, whenever it is killed.
  const killed = await underLoad(async () => {
    for (let kill = 0; kill < amounts.controlPlaneKills; kill += 1) {
      await sleep(500 + Math.random() * 2_500);
      await events.during("kill -9 of the control plane", () => controlPlane.kill());
      await controlPlane.start();
    }
    await killAtCommits();
  });
  expectNoFailure("kill -9 of the control plane", killed);
  await expectAllCounted("kill -9 of the control plane");
  figures.push(`${answeredBefore} requests through ${3 * amounts.controlPlaneKills} kills of the control plane`);

  /** Also where the gateway can't know: the batch is committed, or is not, and nobody said so. */
  async function killAtCommits(): Promise<void> {
    await using trigger = await createSleepingTrigger(client, "aibos.measurement_batches", "", true);
    for (let kill = 0; kill < amounts.controlPlaneKills; kill += 1) {
      for (const seconds of [0.5, 600]) {
        await trigger.arm(seconds);
        await trigger.reached();
        await events.during("kill -9 of the control plane at a commit", () => controlPlane.kill());
        await trigger.disarm();
        // A short sleep ends in a commit whose client is gone; a long one is ended by the next control plane.
        if (seconds < 1) await sleep(1_000);
        await controlPlane.start();
      }
    }
  }

  // The gateway, when everything is on its disk and nothing with the control plane.
  for (let kill = 0; kill < amounts.gatewayKills; kill += 1) {
    await controlPlane.kill();
    const kept = await underLoad(() => sleep(2_000));
    expectNoFailure("while the control plane is away", kept);
    const expected = answeredBefore - lostBefore;
    for (const until = Date.now() + 30_000; Date.now() < until; await sleep(100)) {
      const { stored, spooled } = await readCounted(client, folder, TENANT);
      if (stored + spooled === expected) break;
    }
    await events.during("kill -9 of the gateway", () => world.gateway.kill());
    await Promise.all([controlPlane.start(), world.startGatewayAgain()]);
    await expectAllCounted("kill -9 of the gateway with measurements on disk");
  }

  // One of its workers under load.
  for (let kill = 0; kill < amounts.gatewayKills; kill += 1) {
    const before = answeredBefore;
    let onDisk = 0;
    const hurt = await underLoad(async () => {
      await sleep(5_000);
      await events.during("kill -9 of a worker", () => world.gateway.replaceWorker(1, "SIGKILL"));
      const { stored, spooled } = await readCounted(client, folder, TENANT);
      onDisk = stored + spooled;
      await sleep(1_000);
    });
    const most = answeredBefore - lostBefore;
    const stored = await waitUntilStored(client, folder, TENANT, most);
    const lost = most - stored;
    const broken = hurt.failures.length;
    if (broken > amounts.users)
      problems.push(`kill -9 of a worker: ${broken} requests failed, of ${amounts.users} users`);
    if (lost < -broken) problems.push(`kill -9 of a worker: ${-lost} requests too many are counted`);
    if (stored < onDisk) problems.push(`kill -9 of a worker: ${onDisk} requests were on disk, ${stored} are counted`);
    if (lost >= answeredBefore - before) problems.push("kill -9 of a worker: no request of the other one is counted");
    lostBefore += lost;
    figures.push(
      `kill -9 of a worker under load: of ${answeredBefore - before} requests, ${broken} were broken off and ${lost} ` +
        "answered ones, not yet on its disk, are not counted",
    );
  }

  const { ofAll, overTenants } = await readTotals(client);
  if (ofAll !== overTenants)
    problems.push(`all tenants together have ${overTenants} requests, their sums say ${ofAll}`);
  figures.push(`${answeredBefore - lostBefore} requests are counted once, in the tenant's rows and in those of all`);
  return { problems, figures };
}
