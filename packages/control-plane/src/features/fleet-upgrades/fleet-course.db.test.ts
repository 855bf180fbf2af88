import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pino from "pino";
import { parseTenantId } from "@aibos/domain";
import { startNoticeSender } from "../notices/notice-sender.ts";
import { evenLatencies } from "../rollouts/testing/rollout-world.ts";
import { claimMembers } from "./claim-members.ts";
import { loadFleet } from "./fleet-store.ts";
import { createFleetWorld, type FleetWorld, NEW, NOTES, OLD } from "./testing/fleet-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let world: FleetWorld;
beforeAll(async () => {
  world = await createFleetWorld();
});
afterEach(() => world.clear());
afterAll(() => world[Symbol.asyncDispose]());

const SECOND = 1_000;
const command = (id: string, name: "resume" | "rollback" | "cancel") =>
  world.api.commandFleetUpgrade({
    params: { fleetUpgradeId: id },
    query: {},
    body: { command: name, acceptDataLoss: false },
  });

describe("time", () => {
  test("a window opens when clocks go forward over its beginning, and a restart forgets nothing", async () => {
    world.turnTo("2027-03-27T20:00:00Z");
    await world.tenants(3, "t");
    await world.policy("t02", { window: { from: "02:30", to: "04:00", timeZone: "Europe/Berlin" } });
    const id = await world.start();
    const first = world.worker("first");
    await first.tick();
    // 02:30 is left out that night: clocks go from 02:00 to 03:00 at 01:00 UTC.
    expect(await world.members(id)).toEqual({ t01: "moved", t02: "deferred 2027-03-28T01:00:00.000Z", t03: "moved" });
    const second = world.worker("second");
    world.turnTo("2027-03-28T00:59:59Z");
    await second.tick();
    expect((await world.status(id)).status).toBe("running");
    world.turnTo("2027-03-28T01:00:00Z");
    await second.tick();
    expect(await world.status(id)).toMatchObject({ status: "done", counts: { moved: 3 } });
  });

  test("one that is scheduled begins at its time, with its offset, after the clocks went back", async () => {
    world.turnTo("2027-10-30T20:00:00Z");
    await world.tenants(1, "t");
    // The second 02:30 of that night.
    const id = await world.start({ scheduledTime: "2027-10-31T02:30:00+01:00" });
    const worker = world.worker("one");
    world.turnTo("2027-10-31T01:29:59Z");
    await worker.tick();
    expect((await world.status(id)).status).toBe("planned");
    world.turnTo("2027-10-31T01:30:00Z");
    await worker.tick();
    expect((await world.status(id)).status).toBe("done");
  });

  test("who must agree waits until the deadline, or goes when it agrees; who is frozen does not go at all", async () => {
    world.turnTo("2027-01-10T12:00:00Z");
    await world.tenants(5, "t");
    await world.control.database.pool.query(
      `insert into freezes (id, tenant, starts_at, ends_at, time_zone, reason)
       values ('frz_1', 't05', '2027-01-01', '2027-02-01', 'UTC', 'audit')`,
    );
    const deadline = "2027-01-12T12:00:00.000Z";
    await world.policy("t01", { automatic: "patch" });
    await world.policy("t02", { automatic: "none" });
    await world.policy("t03", { deferUntil: "2027-02-01T00:00:00Z" });
    await world.policy("t04", {
      freezes: [{ from: "2027-01-01T00:00:00Z", to: "2027-02-01T00:00:00Z", reason: "audit" }],
    });
    const id = await world.start({ deadline });
    const worker = world.worker("one");
    await worker.tick();
    expect(await world.members(id)).toEqual({
      t01: `deferred ${deadline}`,
      t02: `deferred ${deadline}`,
      t03: `deferred ${deadline}`,
      t04: "skipped frozen",
      t05: "skipped frozen",
    });
    await world.api.consentToUpgrade({
      params: { tenant: parseTenantId("t01"), module: NOTES, version: NEW },
      query: {},
      body: undefined,
    });
    await worker.tick();
    expect((await world.members(id))["t01"]).toBe("moved");
    world.turnTo(deadline);
    await worker.tick();
    expect(await world.status(id)).toMatchObject({ status: "done", counts: { moved: 3, skipped: 2 } });
  });

  test("batches wait for each other, delays and soaks pass, and a tenant that takes too long holds nobody back", async () => {
    await world.tenants(4, "t");
    world.slow.add("t02");
    await world.label("t01", { canary: "true" });
    const id = await world.start({
      batchSize: 2,
      delayBetweenBatches: 30 * SECOND,
      waves: [{ upTo: "canary", soakSeconds: 60 }],
      tenantTimeoutSeconds: 100,
      maxFailures: 1,
    });
    const worker = world.worker("one");
    await worker.tick();
    expect(await world.status(id)).toMatchObject({ batch: 1, batches: 3, reason: 'Watches what wave "canary" moved.' });
    world.turnTo(world.now() + 60 * SECOND);
    await worker.tick();
    expect(await world.members(id)).toEqual({ t01: "moved", t02: "moving", t03: "moved", t04: "waiting" });
    world.turnTo(world.now() + 101 * SECOND);
    await worker.tick();
    expect(await world.members(id)).toMatchObject({ t02: "moving timeout", t04: "waiting" });
    expect(world.cancelled.length).toBeGreaterThan(0);
    expect((await world.status(id)).counts["failed"]).toBe(1);
    world.turnTo(world.now() + 30 * SECOND);
    await worker.tick();
    expect((await world.members(id))["t04"]).toBe("moved");
    expect((await world.status(id)).status).toBe("running");
    await world.end("t02");
    await worker.tick();
    expect(await world.status(id)).toMatchObject({ status: "done", counts: { moved: 4 } });
  });
});

describe("processes", () => {
  test("take up what one that was killed had claimed, and count each tenant once", async () => {
    await world.tenants(6, "t");
    const id = await world.start({ concurrency: 3, waves: [] });
    const survivor = world.worker("survivor");
    const fleet = await loadFleet(world.control.database, id);
    if (fleet === undefined) throw new Error("it was just started");
    const claimed = await claimMembers(world.control.database, fleet, { by: "killed", most: 2, now: world.now() });
    expect(claimed).toHaveLength(2);
    await survivor.tick();
    world.turnTo(world.now() + 61 * SECOND);
    await survivor.tick();
    expect(await world.status(id)).toMatchObject({ status: "done", counts: { moved: 6 } });
    const migrations = await world.control.database.pool.query(
      "select tenant from migration_records where fleet_upgrade_id = $1",
      [id],
    );
    expect(migrations.rows.map((row: { tenant: string }) => row.tenant).toSorted()).toEqual([
      "t01",
      "t02",
      "t03",
      "t04",
      "t05",
      "t06",
    ]);
  });

  test("take up at once what one that was declared dead had claimed", async () => {
    await world.tenants(2, "t");
    const id = await world.start({ concurrency: 2, waves: [] });
    const fleet = await loadFleet(world.control.database, id);
    if (fleet === undefined) throw new Error("it was just started");
    await world.control.database.pool.query(
      "insert into control_plane_processes (id, host, home, pid, state) values ('cp_dead', 'h', '/h', 1, 'dead')",
    );
    expect(
      await claimMembers(world.control.database, fleet, { by: "cp_dead", most: 2, now: world.now() }),
    ).toHaveLength(2);
    await world.worker("survivor").tick();
    expect(await world.status(id)).toMatchObject({ status: "done", counts: { moved: 2 } });
  });

  test("work on one fleet together without configuration, each as much as it may have, and no tenant twice", async () => {
    const names = await world.tenants(12, "t");
    for (const name of names) world.slow.add(name);
    const id = await world.start({ concurrency: 3, waves: [] });
    const [one, other] = [world.worker("one"), world.worker("other")];
    await Promise.all([one.tick(), other.tick()]);
    // Whoever found nothing because both looked at the same instant looks again.
    await one.tick();
    await other.tick();
    const moving = async () =>
      (
        await world.control.database.pool.query(
          "select claimed_by, count(*)::int as n from fleet_upgrade_members where status = 'moving' group by 1 order by 1",
        )
      ).rows;
    expect(await moving()).toEqual([
      { claimed_by: "one", n: 3 },
      { claimed_by: "other", n: 3 },
    ]);
    for (let round = 0; round < 12 && (await world.status(id)).status !== "done"; round += 1) {
      const running = Object.entries(await world.members(id)).filter(([, status]) => status === "moving");
      for (const [tenant] of running) await world.end(tenant);
      await Promise.all([one.tick(), other.tick()]);
    }
    expect(await world.status(id)).toMatchObject({ status: "done", counts: { moved: 12 } });
    const records = await world.control.database.pool.query(
      "select count(*)::int as n from migration_records where fleet_upgrade_id = $1",
      [id],
    );
    expect(records.rows).toEqual([{ n: 12 }]);
  });

  test("keep to what a data store bears, together", async () => {
    const names = await world.tenants(6, "t");
    for (const name of names) world.slow.add(name);
    const id = await world.start({ concurrency: 4, concurrencyPerDataStore: 3, waves: [] });
    const [one, other] = [world.worker("one"), world.worker("other")];
    await Promise.all([one.tick(), other.tick(), one.tick(), other.tick()]);
    expect((await world.status(id)).counts).toMatchObject({ moving: 3, waiting: 3 });
  });
});

describe("commands", () => {
  test("cancel lets what runs end and starts nothing more", async () => {
    await world.tenants(4, "t");
    world.slow.add("t01");
    const id = await world.start({ concurrency: 1, waves: [] });
    const worker = world.worker("one");
    await worker.tick();
    await command(id, "cancel");
    await worker.tick();
    expect((await world.status(id)).status).toBe("cancelling");
    await world.end("t01");
    await worker.tick();
    expect(await world.status(id)).toMatchObject({ status: "cancelled", counts: { moved: 1, cancelled: 3 } });
    await expect(command(id, "resume")).rejects.toMatchObject({ code: "AIBOS_FLEET_COMMAND_REFUSED" });
  });

  test("rollback leaves alone whom somebody moved on, and says so", async () => {
    await world.tenants(1, "t");
    const id = await world.start();
    const worker = world.worker("one");
    await worker.tick();
    // In this world migrations move nobody: the tenant is on the old version still.
    await command(id, "rollback");
    await worker.tick();
    await worker.tick();
    expect(await world.status(id)).toMatchObject({ status: "rolled-back", counts: { kept: 1 } });
    expect(await world.members(id)).toEqual({ t01: "kept moved-on" });
  });
});

describe("measurements", () => {
  /** Ten seconds of requests of each tenant; those that were moved answer as `fresh` says. */
  async function pass(
    moved: readonly string[],
    all: readonly string[],
    fresh: { factor: number; errors: number },
    at: number,
  ) {
    await world.measure(
      all.map((tenant, index) => {
        const isMoved = moved.includes(tenant);
        // No two tenants and no two windows are alike.
        const own = 1 + 0.2 * index + 0.1 * Math.sin(at / 7_000 + index);
        const factor = own * (isMoved ? fresh.factor : 1);
        const errors = 1 + (Math.round(at / 10_000 + index) % 2) + (isMoved ? fresh.errors : 0);
        return {
          at,
          tenant,
          module: NOTES,
          version: isMoved ? NEW : OLD,
          latencies: evenLatencies(100, factor),
          errors: { server: errors },
        };
      }),
    );
  }

  async function soak(fresh: { factor: number; errors: number }): Promise<string> {
    const all = await world.tenants(8, "t");
    const moved = ["t01", "t02"];
    for (const tenant of moved) await world.label(tenant, { canary: "true" });
    const start = Math.ceil(Date.now() / 10_000) * 10_000;
    world.turnTo(start);
    for (let n = 1; n <= 45; n += 1) await pass([], all, fresh, start - n * 10_000);
    const id = await world.start({
      waves: [{ upTo: "canary", soakSeconds: 3_600 }],
      judgement: { toleratedLatency: 0 },
    });
    const worker = world.worker("one");
    await worker.tick();
    for (let n = 1; n <= 40 && (await world.status(id)).status === "running"; n += 1) {
      await pass(moved, all, fresh, start + n * 10_000);
      world.turnTo(start + n * 10_000 + 13_000);
      await worker.tick();
    }
    return id;
  }

  test("of a version that is slower and has 2 % more errors halt the fleet while its canaries are watched", async () => {
    const id = await soak({ factor: 1.5, errors: 2 });
    const fleet = await world.status(id);
    expect(fleet).toMatchObject({ status: "halted", batch: 1, counts: { moved: 2, waiting: 6 } });
    expect(fleet.reason).toMatch(
      /^Halted: the (error rate|95 % quantile of latencies) of tenants that were moved went from/,
    );
    const { items } = await world.api.listQuarantinedVersions({ params: {}, query: { limit: 10 }, body: undefined });
    expect(items).toMatchObject([{ version: NEW, fleetUpgradeId: id }]);
    expect(await command(id, "resume")).toMatchObject({ status: "running", measurements: { verdict: "no-traffic" } });
  });

  test("of an equal version halt nothing", async () => {
    const fleet = await world.status(await soak({ factor: 1, errors: 0 }));
    expect(fleet).toMatchObject({ status: "running", measurements: { verdict: "not-worse" } });
  });
});

describe("notices", () => {
  test("are CloudEvents, signed, sent again until they are taken, and tell each status once", async () => {
    const got: { headers: Record<string, unknown>; body: string }[] = [];
    const receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        got.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
        response.writeHead(got.length === 1 ? 500 : 204).end();
      });
    });
    await new Promise<void>((resolve) => void receiver.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/upgrades`;
    const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
    await world.tenants(2, "t");
    await world.policy("t01", { notices: { url, secret } });
    const { policy } = {
      policy: await world.api.getUpgradePolicy({
        params: { tenant: parseTenantId("t01"), module: NOTES },
        query: {},
        body: undefined,
      }),
    };
    expect(JSON.stringify(policy)).not.toContain(secret);
    // Not before the database's own clock: that is when notices are entered.
    world.turnTo(Date.now() + 60 * SECOND);
    const sender = startNoticeSender({
      database: world.control.database,
      log: pino({ level: "silent" }),
      now: () => world.now(),
    });
    await sender.stop();
    const id = await world.start({ reason: "security", note: "CVE-2027-1234" });
    await sender.tick();
    world.turnTo(world.now() + 6 * SECOND);
    await sender.tick();
    const worker = world.worker("one");
    await worker.tick();
    await sender.tick();
    receiver.close();
    const events = got.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(events.map(({ type }) => type)).toEqual([
      "aibos.upgrade.announced",
      "aibos.upgrade.announced",
      "aibos.upgrade.moved",
    ]);
    expect(events[0]).toMatchObject({
      specversion: "1.0",
      source: `/v1/fleet-upgrades/${id}`,
      subject: "t01/notes",
      datacontenttype: "application/json",
      data: {
        tenant: "t01",
        fromVersion: OLD,
        version: NEW,
        reason: "security",
        note: "CVE-2027-1234",
        status: "waiting",
      },
    });
    expect(events[0]?.["id"]).toBe(events[1]?.["id"]);
    for (const { headers, body } of got) {
      expect(headers["content-type"]).toBe("application/cloudevents+json");
      const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
      const signature = createHmac("sha256", Buffer.alloc(24, 7)).update(signed).digest("base64");
      expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
    }
  });
});
