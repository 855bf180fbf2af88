import { appendFile, chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { startFakeControlPlane } from "./testing/fake-control-plane.ts";
import { startFakeUpstream } from "./testing/fake-upstream.ts";
import {
  EMPTY_SNAPSHOT,
  endpointsOf,
  gatewayOf,
  gatewayWith,
  KEY,
  routeOf,
  temporaryFolder,
} from "./testing/started-gateway.ts";

/** Where nobody listens. */
const AWAY = { url: "http://127.0.0.1:1" };

const linesOf = async (file: string): Promise<{ type: string; revision: number }[]> =>
  (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; revision: number });

describe("kept routes", () => {
  test("are on disk soon after a change, readable by their owner alone: they hold the signing keys", async () => {
    const folder = join(await temporaryFolder(), "deep", "er");
    const { control } = await gatewayWith([endpointsOf([])], { folder });
    await control.change(routeOf());
    const file = join(folder, "routes.ndjson");
    await vi.waitFor(async () => expect((await linesOf(file)).at(-1)).toMatchObject({ revision: 3 }), {
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
    expect(await linesOf(join(folder, "routes.ndjson"))).toMatchObject([
      { type: "snapshot", feed: "feed-1", revision: 2 },
    ]);
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
    await writeFile(join(folder, "routes.ndjson.part"), '{"type":"snaps');
    const gateway = await gatewayOf(AWAY, { folder });
    expect(gateway.state().routes).toBe(1);
  });

  test("grow by the changes alone, until there are many of those", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "routes.ndjson");
    const tenants = ["a", "b", "c", "d", "e"].map((tenant) => routeOf({ tenant }));
    const { control, gateway } = await gatewayWith(tenants, { folder });
    await vi.waitFor(async () => expect(await linesOf(file)).toHaveLength(1), { timeout: 20_000 });
    await control.change(routeOf({ tenant: "b", role: "r_new" }));
    await control.change({ kind: "route", tenant: "c", module: "notes", route: null });
    await gateway.stop();
    const lines = await linesOf(file);
    expect(lines.map(({ type, revision }) => [type, revision])).toEqual([
      ["snapshot", 2],
      ["delta", 3],
      ["delta", 4],
    ]);
    const again = await gatewayOf(AWAY, { folder });
    expect(again.state()).toMatchObject({ revision: 4, routes: 4 });
  });

  test("that end in a line which was cut off are used up to there, and gone on from there", async () => {
    const folder = await temporaryFolder();
    const { control, gateway } = await gatewayWith([routeOf()], { folder });
    await gateway.stop();
    const file = join(folder, "routes.ndjson");
    const delta = JSON.stringify({ type: "delta", revision: 3, changes: [routeOf({ tenant: "globex" })] });
    await appendFile(file, `${delta}\n${delta.replace('"revision":3', '"revision":4').slice(0, -5)}`);
    expect((await gatewayOf(AWAY, { folder })).state()).toMatchObject({ revision: 3, routes: 2 });
    await gatewayOf(control, { folder });
    expect(await control.feedRequest(2)).toMatchObject({ feed: "feed-1", since: "3" });
  });

  const snapshot = { ...EMPTY_SNAPSHOT, revision: 2, routes: [routeOf().route] };
  test.each([
    ["empty", ""],
    ["cut off", JSON.stringify(snapshot).slice(0, -9)],
    ["not JSON", "\0\0\0\0"],
    ["another message", '{"type":"heartbeat","revision":3}'],
    ["of another shape", JSON.stringify({ ...snapshot, routes: {} })],
    ["a first part without the others", `${JSON.stringify({ ...snapshot, last: false })}\n`],
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
    await writeFile(join(folder, "routes.ndjson"), text);
    const away = await gatewayOf(AWAY, { folder });
    expect(away.state()).toMatchObject({ revision: null, routes: 0 });
    expect((await fetch(`${away.adminUrl}/readyz`)).status).toBe(503);
    const { gateway } = await gatewayWith([routeOf()], { folder });
    expect(gateway.state().routes).toBe(1);
    await gateway.stop();
    expect(await linesOf(join(folder, "routes.ndjson"))).toMatchObject([{ revision: 2 }]);
  });

  test("that can't be written do not keep the gateway from serving", async () => {
    const folder = await temporaryFolder();
    // A folder is in the way of the file.
    await mkdir(join(folder, "routes.ndjson.part"));
    const upstream = await startFakeUpstream();
    const { gateway } = await gatewayWith([endpointsOf([upstream.url]), routeOf()], { folder });
    expect((await fetch(`${gateway.url}/t/acme/notes`)).status).toBe(200);
    await gateway.stop();
  });

  test("that were open to others are closed to them with the next write", async () => {
    const folder = await temporaryFolder();
    for (const name of ["routes.ndjson", "routes.ndjson.part"]) {
      await writeFile(join(folder, name), "old");
      await chmod(join(folder, name), 0o644);
    }
    await (await gatewayWith([routeOf()], { folder })).gateway.stop();
    expect((await stat(join(folder, "routes.ndjson"))).mode & 0o777).toBe(0o600);
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
