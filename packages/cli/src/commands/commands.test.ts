import { afterEach, expect, test } from "vitest";
import { type FakeAnswer, type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { sampleTenant } from "../testing/sample-answers.ts";

const TARGET = ["-t", "acme", "-m", "accounting"];

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

async function run(answers: Record<string, FakeAnswer>, ...words: string[]) {
  api = await startFakeApi(answers);
  return runInProcess(api.url, words);
}

test("a list shows a page and how to go on; --all reads every page", async () => {
  api = await startFakeApi({
    "GET /v1/tenants": ({ query }) =>
      query["cursor"] === "next"
        ? { body: { items: [sampleTenant({ id: "zeta" })], nextCursor: null } }
        : { body: { items: [sampleTenant()], nextCursor: "next" } },
  });
  const page = await runInProcess(api.url, ["tenant", "list", "--label", "plan=gold"]);
  expect(page.out).toContain("There is more: add --cursor next, or --all.");
  expect(api.calls[0]?.query).toEqual({ label: "plan=gold" });
  const all = await runInProcess(api.url, ["tenant", "list", "--all", "--json"]);
  expect(JSON.parse(all.out)).toMatchObject({ items: [{ id: "acme" }, { id: "zeta" }], nextCursor: null });
});

test("a cleanup says what, why, how much, and what stays; a dry run says that it removed nothing", async () => {
  const leftover = { kind: "rollback-copy", name: "rp__acme__crm__1", tenant: "acme", module: "crm", bytes: 2_048 };
  const why = "its rollback point was dropped";
  const answer = (dryRun: boolean, outcome: string, keptBecause: string | null): Record<string, FakeAnswer> => ({
    "POST /v1/cleanup": {
      body: { dryRun, leftovers: [{ ...leftover, why, outcome, keptBecause }], bytes: 2_048, more: false },
    },
  });
  const shown = await run(answer(true, "found", null), "cleanup", "--dry-run");
  expect(api?.calls[0]?.body).toEqual({ dryRun: true });
  expect(shown.out).toMatch(
    /rp__acme__crm__1 +2\.0 KiB +its rollback point was dropped +would be removed\n.*would be freed/,
  );
  await api?.[Symbol.asyncDispose]();
  const kept = await run(answer(false, "kept", "mig_1 is running"), "cleanup");
  expect(kept.out).toContain("kept: mig_1 is running");
});

test("an empty list says what to do", async () => {
  const ran = await run({ "GET /v1/modules": { body: { items: [], nextCursor: null } } }, "module", "list");
  expect(ran.out).toBe("No module was published yet. Publish one with: aibos-versions publish <folder>\n");
});

test("a title with control characters can't reach the terminal", async () => {
  const title = "Acme\u001b]0;owned\u0007\u202e\u009b31m";
  const answers = { "GET /v1/tenants": { body: { items: [sampleTenant({ title })], nextCursor: null } } };
  const ran = await run(answers, "tenant", "list");
  expect(ran.out).toContain("Acme\\u{1b}]0;owned\\u{7}\\u{202e}\\u{9b}31m");
  const document = await runInProcess(api?.url ?? "", ["tenant", "list", "--json"]);
  expect(document.out).not.toMatch(/[\u007f-\u009f\u202e]/);
  expect(JSON.parse(document.out)).toMatchObject({ items: [{ title }] });
});

test("labels are set, and taken away with a dash", async () => {
  const ran = await run(
    { "PATCH /v1/tenants/acme/labels": { body: sampleTenant({ labels: { plan: "a=b" } }) } },
    "tenant",
    "label",
    "acme",
    "plan=a=b",
    "trial-",
  );
  expect(ran.out).toBe("✔ acme: plan=a=b\n");
  expect(api?.calls[0]?.body).toEqual({ plan: "a=b", trial: null });
});

test("tenant create sends title and labels", async () => {
  const words = ["tenant", "create", "acme", "--title", "Acme GmbH", "--label", "plan=gold", "--label", "region=eu"];
  const ran = await run({ "POST /v1/tenants": { status: 201, body: sampleTenant() } }, ...words);
  expect(ran.out).toBe("✔ Tenant acme is there\n");
  expect(api?.calls[0]?.body).toEqual({ id: "acme", title: "Acme GmbH", labels: { plan: "gold", region: "eu" } });
});

test("set-traffic and set-routing share users out", async () => {
  const routing = {
    tenant: "acme",
    module: "accounting",
    revision: 7,
    acknowledged: false,
    rolloutId: null,
    traffic: { "1.5.0": 20, "1.0.0": 80 },
  };
  api = await startFakeApi({
    "PUT /v1/tenants/acme/modules/accounting/traffic": { body: routing },
    "PUT /v1/tenants/acme/modules/accounting/routing": { body: { ...routing, acknowledged: true } },
  });
  const split = await runInProcess(api.url, ["set-traffic", ...TARGET, "1.0.0=80", "1.5.0=20"]);
  expect(split.out).toBe("✔ acme: accounting 1.5.0 20 %, 1.0.0 80 %\n  ! Not every gateway has applied it yet.\n");
  const words = ["--old", "1.0.0", "--new", "1.5.0", "--routing", "percentage", "--traffic", "20"];
  const routed = await runInProcess(api.url, ["set-routing", ...TARGET, ...words]);
  expect(routed.out).toBe("✔ acme: accounting 1.5.0 20 %, 1.0.0 80 %\n");
  expect(api.calls.map((call) => call.body)).toEqual([
    { "1.0.0": 80, "1.5.0": 20 },
    { oldVersion: "1.0.0", newVersion: "1.5.0", routing: "percentage", trafficSplit: 20 },
  ]);
});

test("health exits with 1 when a tenant is unhealthy", async () => {
  const checks = [{ name: "process", ok: false, detail: "accounting 1.0.0 does not answer" }];
  const ran = await run(
    {
      "GET /v1/tenants/acme/modules/accounting/health": {
        body: { status: "unhealthy", checks, issues: ["accounting 1.0.0 does not answer"] },
      },
    },
    "health",
    ...TARGET,
  );
  expect(ran).toEqual({
    code: 1,
    out: "acme: accounting is unhealthy\n  ✖ process accounting 1.0.0 does not answer\n",
    err: "",
  });
});
