import { afterEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { sampleFleet, sampleFleetMember } from "../testing/sample-answers.ts";

const ID = "flt_8f3c2a1b9d04";
const FORCE = ["force-upgrade-all", "-m", "accounting", "-v", "2.0.0"];
const SAID =
  "--batch-size 3 --delay 2s --waves canary:30m,10:5m,100 --max-failures 5% --reason security --window now " +
  "--label region=eu --concurrency 8 --deadline 2027-02-01T00:00:00Z --ignore-measurements";
const BEGUN = sampleFleet({ batch: 1, counts: { waiting: 6 }, recentBatches: [], failures: [], ratePerMinute: null });
const DONE = sampleFleet({
  status: "done",
  reason: "Every tenant is settled.",
  counts: { moved: 5, failed: 1 },
  waves: [
    { name: "rest", tenants: 6, moved: 5, failed: 1, skipped: 0, open: 0, firstBatch: 1, lastBatch: 2, soakSeconds: 0 },
  ],
  recentBatches: [
    { batch: 2, tenants: 3, moved: 3, failed: 0, skipped: 0, open: 0 },
    { batch: 1, tenants: 3, moved: 2, failed: 1, skipped: 0, open: 0 },
  ],
  finishedAt: "2027-01-31T09:31:00.000Z",
});

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

async function serve(end = DONE): Promise<FakeApi> {
  api = await startFakeApi({
    "POST /v1/fleet-upgrades": { status: 202, body: BEGUN },
    [`GET /v1/fleet-upgrades/${ID}`]: { body: sampleFleet() },
    [`GET /v1/fleet-upgrades/${ID}/events`]: { lines: [sampleFleet(), end] },
  });
  return api;
}

test("force-upgrade-all sends its options and shows batches and failures as they come", async () => {
  const { url, calls } = await serve();
  const ran = await runInProcess(url, [
    ...FORCE,
    ...SAID.split(" "),
    "--exclude",
    "initech=moves next week",
    "--exclude",
    "hooli",
  ]);
  expect(calls[0]?.body).toEqual({
    module: "accounting",
    version: "2.0.0",
    options: {
      batchSize: 3,
      delayBetweenBatches: 2_000,
      excludeTenants: [{ tenant: "initech", reason: "moves next week" }, "hooli"],
      labels: { region: "eu" },
      concurrency: 8,
      waves: [
        { upTo: "canary", soakSeconds: 1_800 },
        { upTo: 10, soakSeconds: 300 },
        { upTo: 100, soakSeconds: 0 },
      ],
      maxFailures: "5%",
      window: "now",
      reason: "security",
      deadline: "2027-02-01T00:00:00Z",
      judgement: { enabled: false },
    },
  });
  expect(ran.code).toBe(1);
  expect(ran.out).toBe(`${ID} moves 6 tenants to accounting 2.0.0
Moves wave "rest", batch 2 of 2.
✖ globex AIBOS_TENANT_UNHEALTHY answered 500
✔ batch 1: 2 of 3 moved, 1 failed
✔ batch 2: 3 of 3 moved
Every tenant is settled.
✖ ${ID} accounting → 2.0.0: done, 5 moved, 1 failed of 6
  Every tenant is settled.
  rest     5 of 6 moved, 1 failed
  ✖ globex AIBOS_TENANT_UNHEALTHY answered 500
`);
});

test("on a terminal a bar moves below them, with rate and time left, and never breaks the line", async () => {
  const { url } = await serve();
  const wide = await runInProcess(url, FORCE, { columns: 100 });
  expect(wide.out).toContain(`${"█".repeat(14)}${"░".repeat(14)}  50 %  3/6  1 failed  batch 2/2  12/min  15.0 s left`);
  const narrow = await runInProcess(url, FORCE, { columns: 50 });
  const lines = narrow.out
    .replaceAll("\r\u001b[2K", "\n")
    .split("\n")
    .filter((line) => line.includes("█"));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.every((line) => line.length < 50)).toBe(true);
});

test("--no-wait returns at once, and --dry-run shows a plan and starts nothing", async () => {
  const { url, calls } = await serve();
  const started = await runInProcess(url, [...FORCE, "--no-wait"]);
  expect([started.code, calls.length]).toEqual([0, 1]);
  expect(started.out).toContain(`Follow it with: aibos-versions fleet-upgrade status ${ID} --watch`);
  await api?.[Symbol.asyncDispose]();
  const plan = {
    module: "accounting",
    version: "2.0.0",
    tenants: 3,
    goes: 1,
    later: 1,
    skipped: 1,
    waves: [{ name: "canary", tenants: 1, firstBatch: 1, lastBatch: 1, startsAt: "2027-01-31T09:30:00.000Z" }],
    members: [
      sampleFleetMember({ status: "waiting" }),
      sampleFleetMember({
        tenant: "late",
        status: "deferred",
        reason: "its window",
        notBefore: "2027-02-01T21:00:00.000Z",
      }),
      sampleFleetMember({ tenant: "cold", status: "skipped", code: "frozen", reason: "year end" }),
    ],
  };
  api = await startFakeApi({ "POST /v1/fleet-upgrades/plan": { body: plan } });
  const { code, out } = await runInProcess(api.url, [...FORCE, "--dry-run"]);
  expect(code).toBe(0);
  expect(out).toBe(`1 of 3 would go, 1 later, 1 not. Nothing was changed.
  canary   1 in batch 1, about 2027-01-31 09:30Z
  ↷ late not before 2027-02-01 21:00Z: its window
  ✖ cold frozen year end
`);
});

test("Ctrl-C ends the showing alone and says how to rejoin", async () => {
  api = await startFakeApi({
    "POST /v1/fleet-upgrades": { status: 202, body: BEGUN },
    [`GET /v1/fleet-upgrades/${ID}/events`]: () => {
      setTimeout(() => process.emit("SIGINT"), 50);
      return { lines: [sampleFleet()], open: true };
    },
  });
  const { code, out } = await runInProcess(api.url, FORCE);
  expect(code).toBe(130);
  expect(out).toMatch(/Rejoin it with: aibos-versions fleet-upgrade status flt_8f3c2a1b9d04 --watch\n$/);
});

test("fleet-upgrade status says how to decide about one that halted, and exits with 1", async () => {
  const body = sampleFleet({ status: "halted", reason: "Halted: 2 failed, and 1 may." });
  api = await startFakeApi({ [`GET /v1/fleet-upgrades/${ID}`]: { body } });
  const { code, out } = await runInProcess(api.url, ["fleet-upgrade", "status", ID, "--watch"]);
  expect(code).toBe(1);
  expect(out).toContain(`Decide: aibos-versions fleet-upgrade resume|rollback|cancel ${ID}`);
  const json = await runInProcess(api.url, ["fleet-upgrade", "status", ID, "--json"]);
  expect(JSON.parse(json.out)).toEqual(body);
});

test.each([
  ["resume", [], { command: "resume" }],
  ["cancel", [], { command: "cancel" }],
  ["rollback", ["--accept-data-loss", "--no-wait"], { command: "rollback", acceptDataLoss: true }],
])("fleet-upgrade %s says it to the fleet upgrade", async (name, options, body) => {
  api = await startFakeApi({ [`POST /v1/fleet-upgrades/${ID}/commands`]: { body: sampleFleet() } });
  expect((await runInProcess(api.url, ["fleet-upgrade", name, ID, ...options])).code).toBe(0);
  expect(api.calls[0]?.body).toEqual(body);
});

test("fleet-upgrade list, tenants, quarantined and release show and send what they name", async () => {
  const page = (item: unknown) => ({ body: { items: [item], nextCursor: null } });
  const quarantined = {
    module: "accounting",
    version: "2.0.0",
    reason: "worse",
    fleetUpgradeId: ID,
    since: DONE.createdAt,
  };
  api = await startFakeApi({
    "GET /v1/fleet-upgrades": page(DONE),
    [`GET /v1/fleet-upgrades/${ID}/tenants`]: page(sampleFleetMember()),
    "GET /v1/quarantined-versions": page(quarantined),
    "POST /v1/modules/accounting/versions/2.0.0/release": { body: { module: "accounting", version: "2.0.0" } },
  });
  const outOf = async (...words: string[]) => (await runInProcess(api?.url ?? "", ["fleet-upgrade", ...words])).out;
  expect(await outOf("list", "--status", "done")).toMatch(/flt_8f3c2a1b9d04 +accounting 2\.0\.0 +done +5 +1 +6/);
  expect(await outOf("tenants", ID, "--status", "moved")).toMatch(/acme +1\.0\.0 +1 +moved +mig_1/);
  expect(await outOf("quarantined")).toMatch(/accounting +2\.0\.0 .* worse/);
  expect(await outOf("release", "-m", "accounting", "-v", "2.0.0")).toBe("✔ accounting 2.0.0 is released\n");
  expect(api.calls[0]?.query).toEqual({ status: "done" });
});

test("upgrade-policy sends the policy, and shows it without the secret", async () => {
  const shown = {
    automatic: "minor",
    window: { from: "22:00", to: "05:00", days: [], timeZone: "Europe/Berlin" },
    deferUntil: null,
    freezes: [],
    notices: { url: "https://acme.example/upgrades" },
    consents: ["2.0.0"],
  };
  const address = "/v1/tenants/acme/modules/accounting";
  api = await startFakeApi({
    [`PUT ${address}/upgrade-policy`]: { body: shown },
    [`PUT ${address}/upgrade-consents/2.0.0`]: { body: shown },
  });
  const target = ["-t", "acme", "-m", "accounting"];
  const { out } = await runInProcess(api.url, [
    "upgrade-policy",
    "set",
    ...target,
    "--policy",
    '{"automatic":"minor"}',
  ]);
  expect(out).toBe(`✔ acme, accounting
  without consent: up to minor changes
  window: 22:00 to 05:00 Europe/Berlin, every day
  is told at https://acme.example/upgrades
  agreed to 2.0.0
`);
  expect(api.calls[0]?.body).toEqual({ automatic: "minor" });
  expect((await runInProcess(api.url, ["upgrade-policy", "consent", ...target, "-v", "2.0.0"])).code).toBe(0);
  expect((await runInProcess(api.url, ["upgrade-policy", "set", ...target, "--policy", "[]"])).code).toBe(2);
});
