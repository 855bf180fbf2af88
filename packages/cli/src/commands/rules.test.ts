import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test } from "vitest";
import type { RoutePolicy } from "@aibos/contract";
import { type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { sampleTenant } from "../testing/sample-answers.ts";

const TARGET = ["-t", "acme", "-m", "accounting"];
const RULES = "PUT /v1/tenants/acme/modules/accounting/rules";
const MIRROR = "/v1/tenants/acme/modules/accounting/mirror";
const POLICY: RoutePolicy = {
  tenant: "acme",
  module: "accounting",
  rules: [
    {
      when: [
        { kind: "header", name: "x-canary", value: "1" },
        { kind: "cookie", name: "beta" },
        { kind: "path", prefix: "/reports" },
        { kind: "percent", percent: 5 },
        { kind: "segment", segment: "staff" },
      ],
      version: "2.0.0",
    },
  ],
  segments: { staff: [{ kind: "users", users: ["a", "b", "c", "d", "e"] }] },
  mirror: { version: "2.0.0", percent: 10 },
  leaving: { traffic: { "1.5.0": 100 }, since: "2027-01-31T09:30:00.000Z", until: null },
  revision: 7,
  acknowledged: false,
};

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

async function rulesFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-rules-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "rules.json"), text);
  return join(folder, "rules.json");
}

test("set-rules sends the file, and says what then decides", async () => {
  api = await startFakeApi({ [RULES]: { body: POLICY } });
  const rules = { rules: [{ when: [{ kind: "path", prefix: "/x" }], version: "2.0.0" }] };
  const ran = await runInProcess(api.url, ["set-rules", ...TARGET, "-f", await rulesFile(JSON.stringify(rules))]);
  expect(api.calls.map((call) => call.body)).toEqual([rules]);
  expect([ran.code, ran.err]).toEqual([0, ""]);
  expect(ran.out.split("\n")).toEqual([
    "acme: accounting at revision 7",
    "  1. header x-canary=1 and cookie beta and path /reports and 5 % of users and segment staff → 2.0.0",
    "  segment staff: users a, b, c and 2 more",
    "  10 % of safe requests are copied to 2.0.0",
    "  Users from before 2027-01-31T09:30:00.000Z keep 1.5.0 100 % while those versions serve",
    "  ! Not every gateway has applied it yet.",
    "",
  ]);
});

test("set-rules --none takes all away, and show-rules says that weights decide", async () => {
  const nothing = { ...POLICY, rules: [], segments: {}, mirror: null, leaving: null, acknowledged: true };
  api = await startFakeApi({ [RULES]: { body: nothing }, [RULES.replace("PUT", "GET")]: { body: nothing } });
  expect((await runInProcess(api.url, ["set-rules", ...TARGET, "--none"])).code).toBe(0);
  expect(api.calls[0]?.body).toEqual({ rules: [] });
  const shown = await runInProcess(api.url, ["show-rules", ...TARGET]);
  expect(shown.out).toBe("acme: accounting at revision 7\n  No rules: weights decide.\n");
});

test.each([
  ["a file that is not there", async () => ["-f", "/nowhere/rules.json"], /\/nowhere\/rules\.json can't be read/],
  ["a file that is not JSON", async () => ["-f", await rulesFile("rules:")], /rules\.json is not JSON/],
  ["neither file nor --none", async () => [], /either --file or --none/],
])("set-rules refuses %s with 2", async (_, words, message) => {
  api = await startFakeApi({});
  const ran = await runInProcess(api.url, ["set-rules", ...TARGET, ...(await words())]);
  expect(ran.code).toBe(2);
  expect(ran.err).toMatch(message);
  expect(api.calls).toEqual([]);
});

test("mirror sets, shows and ends the copies", async () => {
  const report = {
    tenant: "acme",
    module: "accounting",
    mirror: { version: "2.0.0", percent: 10, since: "2027-01-31T09:30:00.000Z" },
    compared: 200,
    statusDiffers: 1,
    sizeDiffers: 3,
    failed: 2,
    skipped: 0,
    meanMs: 12.34,
    mirrorMeanMs: 15,
  };
  api = await startFakeApi({ [`PUT ${MIRROR}`]: { body: POLICY }, [`GET ${MIRROR}`]: { body: report } });
  await runInProcess(api.url, ["mirror", ...TARGET, "--to", "2.0.0", "--percent", "10"]);
  await runInProcess(api.url, ["mirror", ...TARGET, "--stop"]);
  expect(api.calls.map((call) => call.body)).toEqual([{ mirror: { version: "2.0.0", percent: 10 } }, { mirror: null }]);
  const shown = await runInProcess(api.url, ["mirror", ...TARGET]);
  expect(shown.out).toContain("copies 10 % of safe requests to 2.0.0");
  expect(shown.out).toContain("  other status   1 (0.50 %)\n");
  expect(shown.out).toContain("  mean time      15.0 ms; users: 12.3 ms\n");
});

test("tester-token prints the token first, for scripts that take one line", async () => {
  const token = {
    tenant: "acme",
    module: "accounting",
    version: "2.0.0",
    token: "t1.a.b",
    header: "x-aibos-tester",
    cookie: "aibos_tester",
    expiresAt: "2027-01-31T09:30:00.000Z",
  };
  api = await startFakeApi({ "POST /v1/tenants/acme/modules/accounting/tester-tokens": { status: 201, body: token } });
  const ran = await runInProcess(api.url, ["tester-token", ...TARGET, "-v", "2.0.0", "--valid-hours", "1.5"]);
  expect(api.calls[0]?.body).toEqual({ version: "2.0.0", validSeconds: 5_400 });
  expect(ran.out.split("\n")[0]).toBe("t1.a.b");
});

test("tenant suspend and resume say what the tenant is then", async () => {
  const states = ["suspended", "active"] as const;
  const answers = [...states];
  api = await startFakeApi({
    "PUT /v1/tenants/acme/state": () => ({
      body: { ...sampleTenant({ state: answers.shift() ?? "active" }), acknowledged: true },
    }),
  });
  expect((await runInProcess(api.url, ["tenant", "suspend", "acme"])).out).toBe("✔ Tenant acme is suspended\n");
  expect((await runInProcess(api.url, ["tenant", "resume", "acme"])).out).toBe("✔ Tenant acme is active\n");
  expect(api.calls.map((call) => call.body)).toEqual(states.map((state) => ({ state })));
});

test("set-traffic says what becomes of users whom a version loses", async () => {
  const routing = { tenant: "acme", module: "accounting", revision: 7, acknowledged: true, traffic: { "1.0.0": 100 } };
  api = await startFakeApi({ "PUT /v1/tenants/acme/modules/accounting/traffic": { body: routing } });
  const { url } = api;
  const run = (...words: string[]) => runInProcess(url, ["set-traffic", ...TARGET, "1.0.0=100", ...words]);
  await run();
  await run("--stickiness", "keep");
  await run("--stickiness", "drain", "--drain-seconds", "60");
  expect(api.calls.map((call) => call.query)).toEqual([
    {},
    { stickiness: "keep" },
    { stickiness: "drain", drainSeconds: "60" },
  ]);
  expect((await run("--drain-seconds", "60")).code).toBe(2);
});
