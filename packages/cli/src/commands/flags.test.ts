import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeApi, problem, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { sampleRollout } from "../testing/sample-answers.ts";

let api: FakeApi | undefined;
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-flags-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

const PAIR = ["-t", "acme", "-m", "accounting"];
const FLAGS = "/v1/tenants/acme/modules/accounting/flags";
const RESULT = {
  key: "new_ui_enabled",
  value: true,
  variant: "on",
  reason: "TARGETING_MATCH",
  errorCode: null,
  errorMessage: null,
  version: "2.0.0",
};

test("update-feature-flags sends the values, and says what each is", async () => {
  api = await startFakeApi({ [`PUT ${FLAGS}`]: { body: { items: [], conflicts: [] } } });
  const values = '{"new_ui_enabled": true, "limit": null}';
  const { code, out } = await runInProcess(api.url, ["update-feature-flags", ...PAIR, "-f", values, "--user", "ann"]);
  expect([code, out]).toEqual([0, "✔ new_ui_enabled = true\n✔ limit is not set any more\n"]);
  expect(api.calls[0]).toMatchObject({ body: { new_ui_enabled: true, limit: null }, query: { user: "ann" } });
});

test("update-feature-flags exits with 1 and names the flag that is refused, and with 2 for what is no JSON", async () => {
  const refusals = [{ flag: "limit", message: "must be a whole number" }];
  const refused = problem(422, "AIBOS_FLAGS_INVALID", 'Nothing was changed: "limit" must be a whole number.', {
    refusals,
  });
  api = await startFakeApi({ [`PUT ${FLAGS}`]: refused });
  const bad = await runInProcess(api.url, ["update-feature-flags", ...PAIR, "-f", '{"limit": "x"}']);
  expect([bad.code, bad.err]).toEqual([1, expect.stringContaining('"limit" must be a whole number')]);
  expect((await runInProcess(api.url, ["update-feature-flags", ...PAIR, "-f", "nonsense"])).code).toBe(2);
});

test("flags get and explain show the value and why", async () => {
  const steps = [{ rule: "tenant", outcome: "decided", detail: "TARGETING_MATCH: on" }];
  api = await startFakeApi({
    [`POST ${FLAGS}/new_ui_enabled/evaluation`]: { body: RESULT },
    [`POST ${FLAGS}/new_ui_enabled/explanation`]: { body: { result: RESULT, steps } },
  });
  const got = await runInProcess(api.url, [
    "flags",
    "get",
    "new_ui_enabled",
    ...PAIR,
    "--attributes",
    '{"role": "admin"}',
  ]);
  expect([got.code, got.out]).toEqual([0, "✔ new_ui_enabled = true (on): TARGETING_MATCH, as 2.0.0 declares it\n"]);
  const explained = await runInProcess(api.url, ["flags", "explain", "new_ui_enabled", ...PAIR]);
  expect(explained.out).toContain("decided  tenant: TARGETING_MATCH: on\n");
});

test("flags rule and kill say what they change", async () => {
  api = await startFakeApi({
    "PUT /v1/modules/accounting/flags/a/rule": { body: { revision: 7 } },
    "PUT /v1/modules/accounting/flags/a/kill": { body: { revision: 8 } },
  });
  await runInProcess(api.url, ["flags", "rule", "a", ...PAIR, "--set", '{"rollout": {"percent": 20}}']);
  const killed = await runInProcess(api.url, ["flags", "kill", "a", "-m", "accounting", "--reason", "slow"]);
  expect(killed).toMatchObject({ code: 0, out: "✔ a is killed\n" });
  expect(api.calls.map(({ body }) => body)).toEqual([
    { level: "tenant", tenant: "acme", setting: { rollout: { percent: 20 } } },
    { killed: true, reason: "slow" },
  ]);
  expect((await runInProcess(api.url, ["flags", "rule", "a", "-m", "accounting"])).code).toBe(2);
});

test("flags rollout starts one, and tells what it is of", async () => {
  const started = sampleRollout({
    oldVersion: null,
    newVersion: null,
    tenants: [],
    flag: { key: "theme", variant: "dark", by: "user", segment: "beta" },
  });
  api = await startFakeApi({ "POST /v1/modules/accounting/flags/theme/rollouts": { status: 201, body: started } });
  const options = ["--variant", "dark", "--segment", "beta", "--policy", '{"targetSeconds": 60}'];
  const { code, out } = await runInProcess(api.url, ["flags", "rollout", "theme", "-m", "accounting", ...options]);
  expect([code, out.split("\n")[0]]).toEqual([
    0,
    "✔ ro_8f3c2a1b9d04 accounting theme = dark for beta: running, 10 % on dark, step 1 of 2",
  ]);
  expect(api.calls[0]?.body).toEqual({ variant: "dark", segment: "beta", policy: { targetSeconds: 60 } });
});

test("flags history tells who did what, and revert says who does", async () => {
  const change = {
    revision: 7,
    module: "accounting",
    flag: "a",
    kind: "setting",
    tenant: null,
    author: "ann",
    before: [{ setting: null }],
    after: [{ setting: { value: true } }],
    reason: "launch",
    createdAt: "2027-01-31T09:30:00.000Z",
  };
  api = await startFakeApi({
    "GET /v1/modules/accounting/flags/a/history": { body: { items: [change], nextCursor: null } },
    "POST /v1/modules/accounting/flag-changes/7/revert": { body: { revision: 8 } },
  });
  const history = await runInProcess(api.url, ["flags", "history", "a", "-m", "accounting"]);
  expect(history.out).toMatch(/\n7 .* setting +ann .* launch/);
  await runInProcess(api.url, ["flags", "revert", "7", "-m", "accounting", "--author", "bob"]);
  expect(api.calls[1]?.body).toEqual({ author: "bob" });
});

test("flags usage shows each variant's share of a day, by version", async () => {
  const row = (day: string, version: string, variant: string, evaluations: number) => ({
    day,
    version,
    variant,
    evaluations,
  });
  const items = [
    row("2027-01-30", "1.0.0", "on", 1),
    row("2027-01-30", "1.0.0", "off", 3),
    row("2027-01-30", "2.0.0", "on", 9),
  ];
  api = await startFakeApi({ "GET /v1/modules/accounting/flags/a/usage": { body: { items } } });
  const { out } = await runInProcess(api.url, ["flags", "usage", "a", "-m", "accounting"]);
  expect([...out.matchAll(/\d+\.\d %/g)].map(([share]) => share)).toEqual(["25.0 %", "75.0 %", "100.0 %"]);
});

test("flags stale shows where code names them, and exits with 1 when there are any", async () => {
  const items = [{ flag: "old_flag", reason: "too-old", message: "is 90 days old" }];
  api = await startFakeApi({ "GET /v1/modules/accounting/stale-flags": { body: { items } } });
  await writeFile(
    join(folder, "main.ts"),
    'const a = 1;\nif (flags.boolean("old_flag")) run();\nconst old_flags = 2;\n',
  );
  const { code, out } = await runInProcess(api.url, ["flags", "stale", "-m", "accounting", "--code", folder]);
  expect([code, out]).toEqual([1, "old_flag: too-old: is 90 days old\n  main.ts:2 names old_flag\n"]);
});

test("flags codegen writes constants and types that the compiler takes", async () => {
  const flags = {
    new_ui_enabled: { type: "boolean", default: false, description: "The new\n pages" },
    theme: { type: "string", default: "light", variants: { light: "light", dark: "dark" } },
    pageSize: { flagType: "integer", defaultValue: 20 },
  };
  api = await startFakeApi({ "GET /v1/modules/accounting/versions/2.0.0/flags": { body: { flags } } });
  const file = join(folder, "flags.ts");
  await runInProcess(api.url, ["flags", "codegen", "-m", "accounting", "-v", "2.0.0", "-o", file]);
  const source = await readFile(file, "utf8");
  expect(source).toContain('  /** The new pages */\n  NEW_UI_ENABLED: "new_ui_enabled",\n');
  expect(source).toContain('  PAGE_SIZE: "pageSize",\n');
  expect(source).toContain('  "theme": "light" | "dark";\n');
  expect(source).toContain('  "pageSize": number;\n');
});

test("flags import takes flagd's definitions over, with their named parts", async () => {
  api = await startFakeApi({});
  const file = join(folder, "flagd.json");
  const definition = {
    $evaluators: { isPro: { "==": [{ var: "plan" }, "pro"] } },
    flags: {
      a: {
        state: "ENABLED",
        variants: { on: true, off: false },
        defaultVariant: "off",
        targeting: { if: [{ $ref: "isPro" }, "on"] },
      },
    },
  };
  await writeFile(file, JSON.stringify(definition));
  const { code, out } = await runInProcess(api.url, ["flags", "import", file, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    flags: { a: { type: "boolean", targeting: { if: [{ "==": [{ var: "plan" }, "pro"] }, "on"] } } },
  });
  await writeFile(file, "[]");
  expect((await runInProcess(api.url, ["flags", "import", file])).code).toBe(2);
});
