import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pino from "pino";
import { describe, expect, test, vi } from "vitest";
import { keptLine } from "./kept-line.ts";
import { openRouteFile } from "./route-file.ts";
import { packRoute } from "./route-shape.ts";
import { RouteTable } from "./route-table.ts";
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

/** What the file's lines say, without their checksums. */
const linesOf = async (file: string): Promise<Record<string, unknown>[]> =>
  (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line.slice(9)) as Record<string, unknown>);

/** Lines with the checksums that they ought to have. */
function fileOf(...texts: unknown[]): string {
  let sum = 0;
  let file = "";
  for (const text of texts) {
    const kept = keptLine(typeof text === "string" ? text : JSON.stringify(text), sum);
    sum = kept.sum;
    file += kept.line;
  }
  return file;
}

describe("kept routes", () => {
  test("are on disk soon after a change, readable by their owner alone: they hold the signing keys", async () => {
    const folder = join(await temporaryFolder(), "deep", "er");
    const { control } = await gatewayWith([endpointsOf([])], { folder });
    await control.change(routeOf());
    const file = join(folder, "routes.ndjson");
    const revisions = async () => (await linesOf(file)).map(({ revision }) => revision);
    await vi.waitFor(async () => expect(await revisions()).toContain(3), { timeout: 20_000 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o077).toBe(0);
    expect(await readFile(file, "utf8")).toContain(KEY);
  });

  test("tell when all that were replaced are on disk, once", async () => {
    const table = new RouteTable();
    let told = 0;
    const path = join(await temporaryFolder(), "routes.ndjson");
    const file = openRouteFile(path, table, pino({ level: "silent" }), () => (told += 1));
    table.replace({ ...EMPTY_SNAPSHOT, routes: [routeOf().route] });
    file.replaced();
    await vi.waitFor(() => expect(told).toBe(1), { timeout: 20_000 });
    expect(await linesOf(path)).toMatchObject([{ revision: 1 }, {}, { routes: 1 }]);
    file.changed({ type: "delta", revision: 2, changes: [routeOf()] });
    await file.close();
    expect([told, (await linesOf(path)).length]).toEqual([1, 4]);
  });

  test("are written at a stop at the latest", async () => {
    const folder = await temporaryFolder();
    const { gateway } = await gatewayWith([routeOf()], { folder });
    await gateway.stop();
    expect(await linesOf(join(folder, "routes.ndjson"))).toMatchObject([
      { format: 2, feed: "feed-1", revision: 2 },
      { rows: [[0, "acme", "r_acme", "t_acme_1.0.0", "t_acme_1.0.0@1.0.0"]] },
      { routes: 1 },
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

  test("are brought up to date before the first request when the control plane is there", async () => {
    const folder = await temporaryFolder();
    const { control, gateway: before } = await gatewayWith([routeOf()], { folder });
    await before.stop();
    control.changeSilently(routeOf({ tenant: "globex" }));
    const gateway = await gatewayOf(control, { folder });
    expect(gateway.state()).toMatchObject({ revision: 3, routes: 2 });
  });

  test("are served from when the control plane says nothing", async () => {
    const folder = await temporaryFolder();
    const { control, gateway: before } = await gatewayWith([routeOf()], { folder });
    await before.stop();
    control.hangs = true;
    const gateway = await gatewayOf(control, { folder });
    expect(gateway.state()).toMatchObject({ revision: 2, routes: 1 });
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
    await vi.waitFor(async () => expect(await linesOf(file)).toHaveLength(3), { timeout: 20_000 });
    await control.change(routeOf({ tenant: "b", role: "r_new" }));
    await control.change({ kind: "route", tenant: "c", module: "notes", route: null });
    await gateway.stop();
    const lines = await linesOf(file);
    expect(lines).toMatchObject([
      { format: 2, revision: 2 },
      { shapes: [[0, { module: "notes" }]], rows: { length: 5 } },
      { routes: 5 },
      { type: "delta", revision: 3 },
      { type: "delta", revision: 4 },
    ]);
    const again = await gatewayOf(AWAY, { folder });
    expect(again.state()).toMatchObject({ revision: 4, routes: 4 });
  });

  test("that end in a line which was cut off are used up to there, and gone on from there", async () => {
    const folder = await temporaryFolder();
    const { control, gateway } = await gatewayWith([routeOf()], { folder });
    await gateway.stop();
    const file = join(folder, "routes.ndjson");
    const delta = (revision: number) => ({
      type: "delta",
      revision,
      changes: [routeOf({ tenant: `globex-${revision}` })],
    });
    const texts = (await linesOf(file)) as unknown[];
    await writeFile(file, fileOf(...texts, delta(3), delta(4)).slice(0, -5));
    expect((await gatewayOf(AWAY, { folder })).state()).toMatchObject({ revision: 3, routes: 2 });
    await gatewayOf(control, { folder });
    expect(await control.feedRequest(2)).toMatchObject({ feed: "feed-1", since: "3" });
  });

  const head = { format: 2, feed: "feed-1", revision: 2, testerKey: "k", endpoints: [] };
  const shapeOf = (weights: Record<string, number>) => packRoute(routeOf({ weights }).route).shape;
  const rowsOf = (...rows: unknown[]) => ({ shapes: [[0, shapeOf({ "1.0.0": 10_000 })]], rows });
  const row = [0, "acme", "r_acme", "schema", "views"];
  const good = [head, rowsOf(row, [0, "globex", "r_globex", "schema", "views"]), { routes: 2 }];
  const [first = "", second = "", third = ""] = fileOf(...good).split("\n");
  test("are used when they are whole: the files of the next test differ from one that is good", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "routes.ndjson"), `${first}\n${second}\n${third}\n`);
    expect((await gatewayOf(AWAY, { folder })).state()).toMatchObject({ revision: 2, routes: 2 });
  });

  test.each([
    ["empty", ""],
    ["cut off in the middle of a line", `${first}\n${second.slice(0, -9)}`],
    ["cut off at the end of a line", `${first}\n${second}\n`],
    ["without a line", `${first}\n${third}\n`],
    ["with a changed letter", `${first}\n${second.replace("globex", "globey")}\n${third}\n`],
    ["with lines in another order", `${second}\n${first}\n${third}\n`],
    ["not JSON", "\0\0\0\0"],
    ["of the format before", JSON.stringify({ ...EMPTY_SNAPSHOT, routes: [routeOf().route] })],
    ["of a format to come", fileOf({ ...head, format: 3 }, ...good.slice(1))],
    ["with fewer routes than it says", fileOf(head, rowsOf(row), { routes: 2 })],
    ["with a row of no shape", fileOf(head, rowsOf([1, ...row.slice(1)]), { routes: 1 })],
    ["with a first row that lacks a name", fileOf(head, rowsOf(row.slice(0, -1)), { routes: 1 })],
    ["with a further row that lacks a name", fileOf(head, rowsOf(row, [0, "globex", "r", "s"]), { routes: 2 })],
    ["with a name that is none", fileOf(head, rowsOf(row, [0, "globex", "r", "s", 1]), { routes: 2 })],
    ["with a tenant that is none", fileOf(head, rowsOf(row, [0, "../x", "r", "s", "v"]), { routes: 2 })],
    [
      "with weights that do not add up",
      fileOf(head, { shapes: [[0, shapeOf({ "1.0.0": 1 })]], rows: [row] }, { routes: 1 }),
    ],
    [
      "with a version that is none",
      fileOf(head, { shapes: [[0, shapeOf({ x: 10_000 })]], rows: [row] }, { routes: 1 }),
    ],
    [
      "with a shape that has more than it should",
      fileOf(head, { shapes: [[0, { ...shapeOf({ "1.0.0": 10_000 }), hold: {} }]], rows: [row] }, { routes: 1 }),
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
    expect((await linesOf(join(folder, "routes.ndjson")))[0]).toMatchObject({ revision: 2 });
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
