import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { HoldTimeoutError } from "@aibos/contract";
import { parseModuleId, parseTenantId } from "@aibos/domain";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { describeEjected, readEjectedProcesses } from "./ejected-upstreams.ts";
import { createGatewayReadModel, type GatewayReadModel } from "./gateway-read-model.ts";
import { createGatewayStore, type GatewayStore } from "./gateway-store.ts";

let control: TestControl;
let store: GatewayStore;
let gateways: GatewayReadModel;
beforeAll(async () => {
  control = await createTestControl();
  const { database, notifications } = control;
  store = createGatewayStore(database);
  gateways = createGatewayReadModel({ database, notifications, now: Date.now });
});
afterAll(() => control[Symbol.asyncDispose]());
afterEach(() => control.database.db.deleteFrom("gateways").execute());

const route = { tenant: parseTenantId("acme"), module: parseModuleId("notes") };
const other = { tenant: parseTenantId("acme"), module: parseModuleId("crm") };
const report = (gatewayId: string, appliedRevision: number, ...busy: { tenant: string; module: string }[]) =>
  store.record({
    gatewayId,
    url: `http://${gatewayId}`,
    appliedRevision,
    draining: busy.map((name) => ({ ...name, requests: 2 })),
    startedAt: 0,
    mirrors: [],
    ejected: [],
  });
const wait = (revision: number, alsoDrained = false, timeoutMs = 20_000) =>
  gateways.waitUntilApplied({ ...route, revision, timeoutMs, alsoDrained });

/** As if a gateway had not been heard of for a while. */
async function silence(id: string): Promise<void> {
  await control.database.db
    .updateTable("gateways")
    .set({ seen_at: sql<Date>`clock_timestamp() - interval '11 seconds'` })
    .where("id", "=", id)
    .execute();
}

/** As if a control-plane process had begun and was heard of last so many seconds ago. */
async function controlPlane(began: number, seen: number, state: "live" | "dead" = "live"): Promise<void> {
  const ago = (seconds: number) => sql<Date>`clock_timestamp() - make_interval(secs => ${seconds})`;
  await control.database.db
    .insertInto("control_plane_processes")
    .values({ id: `cp_${began}`, host: "h", home: "/", pid: 1, state, started_at: ago(began), seen_at: ago(seen) })
    .execute();
}

describe("waiting for the gateways", () => {
  test("goes on for one that fell silent because no control plane was there to hear it", async () => {
    await report("g1", 4);
    await silence("g1");
    await controlPlane(300, 10, "dead");
    await controlPlane(1, 0);
    expect(await gateways.liveGateways()).toHaveLength(1);
    await expect(wait(5, false, 100)).rejects.toThrow(HoldTimeoutError);
    await report("g1", 5);
    expect((await wait(5)).gateways).toBe(1);
    // It was silent while the first one still heard others.
    await silence("g1");
    await control.database.db
      .updateTable("gateways")
      .set({ seen_at: new Date(Date.now() - 25_000) })
      .execute();
    expect(await gateways.liveGateways()).toEqual([]);
    // Another one was there all the time.
    await silence("g1");
    await controlPlane(200, 1);
    expect(await gateways.liveGateways()).toEqual([]);
    await control.database.db.deleteFrom("control_plane_processes").execute();
  });

  test("goes on for one that has not come back yet to a control plane that began a while ago", async () => {
    await report("g1", 4);
    await control.database.db
      .updateTable("gateways")
      .set({ seen_at: sql<Date>`clock_timestamp() - interval '26 seconds'` })
      .execute();
    await controlPlane(300, 25, "dead");
    await controlPlane(20, 0);
    await expect(wait(5, false, 100)).rejects.toThrow(HoldTimeoutError);
    await control.database.db.deleteFrom("control_plane_processes").execute();
    await controlPlane(31, 0);
    expect((await wait(5)).gateways).toBe(0);
    await control.database.db.deleteFrom("control_plane_processes").execute();
  });

  test("ends at once when there is none", async () => {
    expect((await wait(5)).gateways).toBe(0);
  });

  test("ends when all have applied the revision, not when one has", async () => {
    await report("g1", 5);
    await report("g2", 4);
    let ended = false;
    const waiting = wait(5).then((result) => {
      ended = true;
      return result;
    });
    await report("g1", 6);
    expect(ended).toBe(false);
    await report("g2", 5);
    expect((await waiting).gateways).toBe(2);
  });

  test("also waits for older requests when it is told to, of this route and not of others", async () => {
    await report("g1", 5, route, other);
    expect((await wait(5)).gateways).toBe(1);
    const waiting = wait(5, true);
    await report("g1", 5, other);
    expect((await waiting).gateways).toBe(1);
  });

  test("does not wait for a gateway that is silent", async () => {
    await report("g1", 5);
    await report("gone", 1, route);
    await silence("gone");
    expect(await gateways.liveGateways()).toEqual([{ id: "g1", url: "http://g1", revision: 5 }]);
    expect((await wait(5, true)).gateways).toBe(1);
  });

  test("waits for a silent one when that may still serve by older routes, and not for one that is long gone", async () => {
    await report("g1", 4);
    await silence("g1");
    const late = { revision: 5, timeoutMs: 100, alsoDrained: false, alsoSilent: true };
    await expect(gateways.waitUntilApplied(late)).rejects.toThrow(/new route, at gateway "g1"/);
    await report("g1", 5);
    await silence("g1");
    expect((await gateways.waitUntilApplied(late)).gateways).toBe(1);
    await report("gone", 4);
    await control.database.db
      .updateTable("gateways")
      .set({ seen_at: sql<Date>`clock_timestamp() - interval '16 minutes'` })
      .where("id", "=", "gone")
      .execute();
    expect((await gateways.waitUntilApplied(late)).gateways).toBe(1);
  });

  test("goes on without a gateway that falls silent meanwhile, although nobody reports that", async () => {
    await report("g1", 4);
    const waiting = wait(5);
    await silence("g1");
    expect((await waiting).gateways).toBe(0);
  });

  test("gives up in the end, and says which gateway is late with what", async () => {
    await report("g1", 5, route);
    await expect(wait(5, true, 50)).rejects.toThrow(HoldTimeoutError);
    await expect(wait(5, true, 50)).rejects.toThrow(/requests under way.*"acme".*"g1"/);
    await expect(wait(6, true, 50)).rejects.toThrow(/new route.*"g1"/);
  });

  test("sees a gateway that started over and lost what it knew", async () => {
    await report("g1", 5);
    await report("g1", 0);
    await expect(wait(5, false, 50)).rejects.toThrow(HoldTimeoutError);
  });
});

describe("processes that gateways send no requests", () => {
  test("are told by version, with how many of the live gateways leave each out, and since when", async () => {
    const eject = (gatewayId: string, version: string, since: number) =>
      store.record({
        gatewayId,
        url: `http://${gatewayId}`,
        appliedRevision: 1,
        draining: [],
        startedAt: 0,
        mirrors: [],
        ejected: [
          { module: "notes", version, url: "http://p1", reason: since === 1_000 ? "probes" : "failures", since },
        ],
      });
    await eject("g1", "2.0.0", 2_000);
    await eject("g2", "2.0.0", 1_000);
    await eject("gone", "2.0.0", 1_000);
    await silence("gone");
    await eject("g3", "1.0.0", 1_000);
    const notes = parseModuleId("notes");
    expect(await readEjectedProcesses(control.database.db, notes, ["2.0.0"])).toEqual([
      { version: "2.0.0", url: "http://p1", reason: "probes", since: new Date(1_000), gateways: 2, liveGateways: 3 },
    ]);
    await report("g2", 1);
    const [found] = await readEjectedProcesses(control.database.db, notes, ["2.0.0", "3.0.0"]);
    expect(found === undefined ? "" : describeEjected(found)).toBe(
      "1 of 3 gateways left out the process at http://p1 because of failures, since 1970-01-01T00:00:02.000Z",
    );
  });
});

describe("a report", () => {
  test("wakes others when it says something new, and only then", async () => {
    const notices: string[] = [];
    const heard = (name: string): Promise<void> =>
      new Promise((resolve) => {
        control.notifications.on("aibos_gateways", (id) => (id === name ? resolve() : undefined));
      });
    const first = heard("g1");
    await report("g1", 1);
    await first;
    const stop = control.notifications.on("aibos_gateways", (id) => notices.push(id));
    const last = heard("end");
    await report("g1", 1);
    await report("g1", 1);
    await report("g1", 2);
    await report("g1", 2, route);
    await report("g1", 2, route);
    await report("end", 1);
    await last;
    stop();
    expect(notices.filter((id) => id === "g1")).toHaveLength(2);
  });
});
