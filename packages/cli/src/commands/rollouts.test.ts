import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { sampleRollout } from "../testing/sample-answers.ts";

const ID = "ro_8f3c2a1b9d04";
const FAIL = "Fail: p95 306 ms against 232 ms is worse than is tolerated.";

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

test("rollout start sends tenants, versions and the policy, from the line or a file", async () => {
  api = await startFakeApi({ "POST /v1/rollouts": { status: 201, body: sampleRollout() } });
  const words = ["rollout", "start", "-t", "acme", "globex", "-m", "accounting", "-v", "1.5.0"];
  const ran = await runInProcess(api.url, [...words, "--policy", '{"targetSeconds": 60}', "--insist"]);
  expect(ran).toEqual({
    code: 0,
    err: "",
    out: `✔ ${ID} accounting 1.0.0 → 1.5.0: running, 10 % on 1.5.0, step 1 of 2\n  Step 1 of 2 begins, with 10 %.\n`,
  });
  const folder = await mkdtemp(join(tmpdir(), "aibos-policy-"));
  await writeFile(join(folder, "policy.json"), '{"alpha": 0.05}');
  await runInProcess(api.url, [...words, "--old", "1.0.0", "--policy", `@${folder}/policy.json`]);
  await rm(folder, { recursive: true });
  const request = { module: "accounting", tenants: ["acme", "globex"], newVersion: "1.5.0" };
  expect(api.calls.map(({ body }) => body)).toEqual([
    { ...request, policy: { targetSeconds: 60 }, insist: true },
    { ...request, oldVersion: "1.0.0", policy: { alpha: 0.05 } },
  ]);
});

test.each(["nonsense", "[1]", "@/no/such/file"])(
  "rollout start refuses the policy %s before it asks anybody",
  async (policy) => {
    api = await startFakeApi({});
    const words = ["rollout", "start", "-t", "acme", "-m", "accounting", "-v", "1.5.0", "--policy", policy];
    const { code, err } = await runInProcess(api.url, words);
    expect([code, api.calls]).toEqual([2, []]);
    expect(err).toMatch(/--policy must be a JSON object|can't be read/);
  },
);

test("rollout status shows why, and exits with 1 when it was rolled back", async () => {
  const tenants = [{ tenant: "acme", status: "returned" as const, reason: FAIL }];
  const body = sampleRollout({
    status: "rolled-back",
    reason: FAIL,
    weight: 0,
    tenants,
    ejected: [
      {
        version: "1.5.0",
        url: "http://127.0.0.1:4001",
        reason: "probes",
        since: "2027-01-31T09:30:00.000Z",
        gateways: 1,
        liveGateways: 2,
      },
    ],
    finishedAt: "2027-01-31T09:31:00.000Z",
  });
  api = await startFakeApi({ [`GET /v1/rollouts/${ID}`]: { body } });
  const { code, out } = await runInProcess(api.url, ["rollout", "status", ID, "--watch"]);
  expect(code).toBe(1);
  expect(out).toBe(
    `✖ ${ID} accounting 1.0.0 → 1.5.0: rolled-back, 0 % on 1.5.0\n  ${FAIL}\n  Back on 1.0.0: acme\n` +
      "  Left out by 1 of 2 gateways because of probes, since 2027-01-31T09:30:00.000Z: 1.5.0 at http://127.0.0.1:4001\n",
  );
});

test("rollout status shows what the newest verdict rests on, in whole words and within 80 columns", async () => {
  const sentence = `Inconclusive: errors 2 % against 1 % (100 and 900 requests) may be worse: evidence 5.0 : 1, too much.`;
  const analysis = {
    level: "critical" as const,
    samples: { old: 900, new: 100 },
    difference: null,
    evidence: Math.log(5),
    needed: Math.log(200),
    sentence: "",
  };
  const report = { pValue: 0.031, shift: 0.012, low: 0.001, high: 0.02, effect: 0.41, method: "exact" as const };
  const verdict = {
    at: "2027-01-31T09:31:00.000Z",
    step: 1,
    verdict: "inconclusive" as const,
    sentence,
    evidence: 1.6,
    needed: 4.6,
    analyses: [
      {
        ...analysis,
        name: "errors",
        verdict: "inconclusive" as const,
        measure: "error-rate" as const,
        unit: "share",
        old: 0.01,
        new: 0.02,
        report,
      },
      {
        ...analysis,
        name: "p95",
        level: "warn" as const,
        verdict: "pass" as const,
        measure: "latency" as const,
        unit: "ms",
        old: 48,
        new: 47,
        report: null,
      },
    ],
  };
  const tenants = ["acme", "globex"].map((tenant) => ({ tenant, status: "running" as const, reason: null }));
  const body = sampleRollout({ reason: sentence, verdicts: [verdict], tenants });
  api = await startFakeApi({ [`GET /v1/rollouts/${ID}`]: { body } });
  const { out } = await runInProcess(api.url, ["rollout", "status", ID], { columns: 80 });
  expect(out).toBe(
    [
      `✔ ${ID} accounting 1.0.0 → 1.5.0: running, 10 % on 1.5.0, step 1 of 2`,
      "  Inconclusive: errors 2 % against 1 % (100 and 900 requests) may be worse:",
      "  evidence 5.0 : 1, too much.",
      "",
      "analysis  level     1.0.0  1.5.0  evidence   needed  verdict",
      "errors    critical    1 %    2 %   5.0 : 1  200 : 1  inconclusive",
      "p95       warn      48 ms  47 ms   5.0 : 1  200 : 1  pass",
      "",
      "windows of the step        shift             95 % interval  effect      p",
      "errors               +1.2 points  +0.1 points to +2 points   +0.41  0.031",
      "",
    ].join("\n"),
  );
});

test.each(["pause", "resume", "approve", "step", "promote", "abort"])(
  "rollout %s says it to the rollout",
  async (command) => {
    api = await startFakeApi({ [`POST /v1/rollouts/${ID}/commands`]: { body: sampleRollout() } });
    expect((await runInProcess(api.url, ["rollout", command, ID])).code).toBe(0);
    expect(api.calls[0]?.body).toEqual({ command });
  },
);

test("rollout list shows where each one is", async () => {
  api = await startFakeApi({ "GET /v1/rollouts": { body: { items: [sampleRollout()], nextCursor: null } } });
  const { out } = await runInProcess(api.url, ["rollout", "list", "-m", "accounting", "--status", "running"]);
  expect(out).toMatch(
    /^id +module +what +tenants +status +why\nro_8f3c2a1b9d04 +accounting +1\.0\.0 → 1\.5\.0 +1 +running, 10 % +Step 1 of 2/,
  );
  expect(api.calls[0]?.query).toEqual({ module: "accounting", status: "running" });
});

test("rollout policy set, get and reset say what a tenant's rollouts do differently", async () => {
  const path = "/v1/tenants/acme/modules/accounting/rollout-policy";
  const policy = { targetSeconds: 86_400, stickiness: "drain" };
  api = await startFakeApi({ [`PUT ${path}`]: { body: { policy } }, [`GET ${path}`]: { body: { policy } } });
  const words = (...more: string[]) => ["rollout", "policy", ...more, "-t", "acme", "-m", "accounting"];
  const set = await runInProcess(api.url, [...words("set"), "--policy", JSON.stringify(policy)]);
  expect(set).toEqual({
    code: 0,
    err: "",
    out: `✔ acme: rollouts of accounting go by the release's policy, but for:\n${JSON.stringify(policy, null, 2)}\n`,
  });
  expect((await runInProcess(api.url, words("get"))).out).toBe(set.out);
  const reset = await runInProcess(api.url, words("reset"));
  expect(reset.out).toBe("✔ acme: rollouts of accounting go by the release's policy.\n");
  expect(api.calls.flatMap(({ body }) => (body === undefined ? [] : [body]))).toEqual([policy, {}]);
});

test("rollout policy set refuses what is no JSON object before it asks anybody", async () => {
  api = await startFakeApi({});
  const words = ["rollout", "policy", "set", "-t", "acme", "-m", "accounting", "--policy", "[1]"];
  const { code, err } = await runInProcess(api.url, words);
  expect([code, api.calls]).toEqual([2, []]);
  expect(err).toContain("--policy must be a JSON object");
});
