import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { startCommand } from "../testing/run-command.ts";
import { FAKE_TOKEN } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";

const names = { schema: "t_acme__notes", views: "v_acme__notes", dataVersion: "1.0.0" };
const versions = [{ version: "1.0.0", weight: 10_000, ...names }];
const SNAPSHOT = {
  type: "snapshot",
  feed: "feed-1",
  revision: 7,
  part: 0,
  last: true,
  testerKey: "k",
  routes: [
    { tenant: "acme", module: "notes", state: "active", versions, role: "r_acme__notes", hold: null, policy: null },
  ],
  endpoints: [
    { module: "notes", version: "1.0.0", urls: ["http://127.0.0.1:9000"], healthPath: "/up", contextKey: "secret" },
  ],
};
const FEED = "GET /v1/gateway/feed";

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-engine-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test.each([
  ["haproxy", ["contexts.map", "haproxy.cfg", "keys.map", "routes.map"], ["--gateway", "127.0.0.1:7480"]],
  ["envoy", ["cds.json", "rds.json"], ["--gateway", "127.0.0.1:7480"]],
  ["gateway-api", ["httproutes.json"], ["--parent", "infra/public", "--gateway-service", "aibos-gateway:7480"]],
])("gateway export for %s writes its files, which only their owner can read", async (target, files, words) => {
  api = await startFakeApi({ [FEED]: { lines: [SNAPSHOT], open: true } });
  const folder = await temporaryFolder();
  const ran = await runInProcess(api.url, ["gateway", "export", "--target", target, "--out", folder, ...words]);
  expect([ran.code, ran.err]).toEqual([0, ""]);
  expect(ran.out).toContain("✔ 1 routes at revision 7\n");
  expect((await readdir(folder)).sort()).toEqual(files);
  for (const file of files) {
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    expect(ran.out).toContain(join(folder, file));
  }
});

test.each([
  ["no folder", ["--target", "envoy", "--gateway", "127.0.0.1:7480"], /--out/],
  ["no gateway", ["--target", "haproxy", "--out", "x"], /--gateway/],
  ["a gateway that is no address", ["--target", "haproxy", "--out", "x", "--gateway", "x y"], /host and a port/],
  ["a folder with a blank", ["--target", "haproxy", "--out", "a b", "--gateway", "h:1"], /blanks/],
  ["no Gateway", ["--target", "gateway-api", "--out", "x", "--gateway-service", "a:1"], /--parent/],
  ["another engine", ["--target", "nginx", "--out", "x"], /haproxy/],
  [
    "a bind that is more than an address",
    ["--target", "haproxy", "--out", "x", "--gateway", "h:1", "--bind", "a:1 x"],
    /--bind/,
  ],
])("gateway export refuses %s with 2, and asks nothing of the server", async (_, words, message) => {
  api = await startFakeApi({});
  const ran = await runInProcess(api.url, ["gateway", "export", ...words]);
  expect(ran.code).toBe(2);
  expect(ran.err).toMatch(message);
  expect(api.calls).toEqual([]);
});

test("gateway export says that no server answers, or that it is none", async () => {
  const words = ["gateway", "export", "--target", "envoy", "--out", "/nowhere/x", "--gateway", "h:1"];
  expect((await runInProcess("http://127.0.0.1:1", words)).code).toBe(3);
  api = await startFakeApi({ [FEED]: { status: 404, body: {} } });
  const ran = await runInProcess(api.url, words);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain("gave no routes");
});

test("gateway sync keeps files in step, reports as a gateway, and ends with 0 when it is told to", async () => {
  const changes = [{ kind: "route", tenant: "acme", module: "notes", route: null }];
  api = await startFakeApi({
    [FEED]: { lines: [SNAPSHOT, { type: "delta", revision: 8, changes }], open: true },
    "POST /v1/gateway/reports": { status: 200, body: {} },
  });
  const folder = await temporaryFolder();
  const words = ["gateway", "sync", "--target", "envoy", "--out", folder, "--gateway", "h:1", "--url", api.url];
  const running = startCommand(words, { environment: { AIBOS_TOKEN: FAKE_TOKEN } });
  await running.said("in step");
  const { calls } = api;
  while (!calls.some(({ body }) => (body as { appliedRevision?: number } | undefined)?.appliedRevision === 8)) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  running.child.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  expect(await readFile(join(folder, "rds.json"), "utf8")).not.toContain("acme");
}, 60_000);
