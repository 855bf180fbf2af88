import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { startFakeControlPlane } from "./testing/fake-control-plane.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import { endpointsOf, gatewayOf, gatewayWith, KEY, routeOf, temporaryFolder } from "./testing/started-gateway.ts";

/** Where nobody listens. */
const AWAY = { url: "http://127.0.0.1:1" };

describe("kept routes", () => {
  test("are on disk soon after a change, readable by their owner alone: they hold the signing keys", async () => {
    const folder = join(await temporaryFolder(), "deep", "er");
    const { control } = await gatewayWith([endpointsOf([])], { folder });
    await control.change(routeOf());
    const file = join(folder, "routes.json");
    await vi.waitFor(async () => expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ revision: 3 }), {
      timeout: 20_000,
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o077).toBe(0);
    expect(await readFile(file, "utf8")).toContain(KEY);
  });

  test("are written at a stop at the latest", async () => {
    const folder = await temporaryFolder();
    const { gateway } = await gatewayWith([routeOf()], { folder });
    await gateway.stop();
    const kept = JSON.parse(await readFile(join(folder, "routes.json"), "utf8")) as unknown;
    expect(kept).toMatchObject({ type: "snapshot", feed: "feed-1", revision: 2 });
  });

  test("are served from at once while the control plane is away, holds and all", async () => {
    const folder = await temporaryFolder();
    const upstream = await startFakeUpstream();
    const hold = { migrationId: "mig_1", reason: "a migration", maxWaitMs: 1, retryAfterSeconds: 4 };
    const changes = [endpointsOf([upstream.url]), routeOf(), routeOf({ tenant: "globex", hold })];
    await (await gatewayWith(changes, { folder })).gateway.stop();
    const gateway = await gatewayOf(AWAY, { folder });
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/t/globex/notes`)).headers.get("retry-after")).toBe("4");
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200);
    expect(gateway.state()).toMatchObject({ revision: 2, routes: 2, controlPlane: "away" });
  });

  test("are gone on from where they end", async () => {
    const folder = await temporaryFolder();
    const { control, gateway: before } = await gatewayWith([routeOf()], { folder });
    await before.stop();
    const gateway = await gatewayOf(control, { folder });
    expect(await control.feedRequest(2)).toMatchObject({ feed: "feed-1", since: "2" });
    await control.change(routeOf({ tenant: "globex" }));
    expect(gateway.state().routes).toBe(2);
  });

  test("survive a write that was killed half way", async () => {
    const folder = await temporaryFolder();
    await (await gatewayWith([routeOf()], { folder })).gateway.stop();
    await writeFile(join(folder, "routes.json.part"), '{"type":"snaps');
    const gateway = await gatewayOf(AWAY, { folder });
    expect(gateway.state().routes).toBe(1);
  });

  const snapshot = { type: "snapshot", feed: "feed-1", revision: 2, routes: [routeOf().route], endpoints: [] };
  test.each([
    ["empty", ""],
    ["cut off", JSON.stringify(snapshot).slice(0, -9)],
    ["not JSON", "\0\0\0\0"],
    ["another message", '{"type":"heartbeat","revision":3}'],
    ["of another shape", '{"type":"snapshot","feed":"f","revision":1,"routes":{},"endpoints":[]}'],
    [
      "with weights that do not add up",
      JSON.stringify({ ...snapshot, routes: [routeOf({ weights: { "1.0.0": 1 } }).route] }),
    ],
    [
      "with a version that is none",
      JSON.stringify({ ...snapshot, routes: [routeOf({ weights: { x: 10_000 } }).route] }),
    ],
  ])("that are %s count as none, and the control plane gives new ones", async (_case, text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "routes.json"), text);
    const away = await gatewayOf(AWAY, { folder });
    expect(away.state()).toMatchObject({ revision: null, routes: 0 });
    expect((await fetch(`${away.adminUrl}/readyz`)).status).toBe(503);
    const { gateway } = await gatewayWith([routeOf()], { folder });
    expect(gateway.state().routes).toBe(1);
    await gateway.stop();
    expect(JSON.parse(await readFile(join(folder, "routes.json"), "utf8"))).toMatchObject({ revision: 2 });
  });

  test("that can't be written do not keep the gateway from serving", async () => {
    const folder = await temporaryFolder();
    // A folder is in the way of the file.
    await mkdir(join(folder, "routes.json.part"));
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { folder });
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
    await gateway.stop();
  });

  test("that were open to others are closed to them with the next write", async () => {
    const folder = await temporaryFolder();
    for (const name of ["routes.json", "routes.json.part"]) {
      await writeFile(join(folder, name), "old");
      await chmod(join(folder, name), 0o644);
    }
    await (await gatewayWith([routeOf()], { folder })).gateway.stop();
    expect((await stat(join(folder, "routes.json"))).mode & 0o777).toBe(0o600);
  });

  test("of one database are replaced when the control plane has another", async () => {
    const folder = await temporaryFolder();
    await (await gatewayWith([routeOf()], { folder })).gateway.stop();
    const control = await startFakeControlPlane();
    control.beginFeed("feed-2");
    const gateway = await gatewayOf(control, { folder });
    expect(await control.report(() => true)).toMatchObject({ appliedRevision: 1 });
    expect(gateway.state()).toMatchObject({ revision: 1, routes: 0 });
  });
});
