import { afterEach, expect, test } from "vitest";
import { type FakeAnswer, type FakeApi, problem, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { sampleFailure, sampleMigration, sampleStep, sampleSuccess } from "../testing/sample-answers.ts";

const OPERATIONS = "POST /v1/tenants/acme/modules/accounting/migrations";
const EVENTS = "GET /v1/migrations/mig_8f3c2a1b9d04/events";
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

const CARRIED: Parameters<typeof sampleStep>[1] = {
  name: "carry-flags",
  detail: {
    kept: 2,
    renamed: ["old → new"],
    converted: [],
    conflicts: [{ flag: "gone", user: "ann", reason: '"gone" is not declared by the new version' }],
  },
};

test("migrate-tenant shows each step as it ends, then how it ended", async () => {
  const ran = await run(
    {
      [OPERATIONS]: { status: 202, body: sampleMigration() },
      [EVENTS]: {
        lines: [
          sampleMigration({ steps: [sampleStep(1, { status: "running", finishedAt: null })] }),
          sampleMigration({ steps: [sampleStep(1), sampleStep(2, { status: "running", finishedAt: null })] }),
          sampleSuccess({ result: { heldMs: 120 }, steps: [sampleStep(1), sampleStep(2, CARRIED)] }),
        ],
      },
    },
    "migrate-tenant",
    ...TARGET,
    "-v",
    "1.5.0",
  );
  expect(ran).toEqual({
    code: 0,
    err: "",
    out: [
      "✔ Step 1 250 ms",
      "✔ Step 2 250 ms",
      "✔ acme: accounting moved 1.0.0 → 1.5.0 (2.3 s, mig_8f3c2a1b9d04)",
      "  Values of flags came along: 2 as they were, old → new renamed.",
      '  A flag\'s value did not come along: gone (user ann): "gone" is not declared by the new version',
      "  Requests were held for 120 ms.",
      "",
    ].join("\n"),
  });
  expect(api?.calls[0]?.body).toEqual({ kind: "migrate", version: "1.5.0", rollbackOnFailure: true });
});

test("a migration that failed tells the step, the reason and what was put back, and exits with 1", async () => {
  const ran = await run(
    { [OPERATIONS]: { status: 202, body: sampleMigration() }, [EVENTS]: { lines: [sampleFailure()] } },
    "migrate-tenant",
    ...TARGET,
    "-v",
    "1.5.0",
  );
  expect(ran.code).toBe(1);
  expect(ran.out).toBe("✔ Step 1 250 ms\n✖ Step 2: no whole amount\n↩ undone: Step 1\n");
  expect(ran.err).toContain('failed at step "hop": Line 3 of invoice 7 is no whole amount. Everything was put back');
  expect(ran.err).toContain("AIBOS_MIGRATION_FAILED");
});

test("with --json there is one document, and for a failure it is the error", async () => {
  const ran = await run(
    { [OPERATIONS]: { status: 202, body: sampleMigration() }, [EVENTS]: { lines: [sampleFailure()] } },
    "migrate-tenant",
    ...TARGET,
    "-v",
    "1.5.0",
    "--json",
  );
  expect([ran.code, ran.err]).toEqual([1, ""]);
  expect(JSON.parse(ran.out)).toMatchObject({
    error: { code: "AIBOS_MIGRATION_FAILED", migrationId: "mig_8f3c2a1b9d04", step: "hop", undone: true },
  });
});

test("--no-wait and a time in the future return at once and tell how to follow", async () => {
  const started = await run(
    { [OPERATIONS]: { status: 202, body: sampleMigration({ kind: "install" }) } },
    "install",
    ...TARGET,
    "-v",
    "1.5.0",
    "--no-wait",
  );
  expect(started.code).toBe(0);
  expect(started.out).toContain("aibos-versions migration-status mig_8f3c2a1b9d04 --watch");
  await api?.[Symbol.asyncDispose]();

  const scheduledTime = "2027-02-01T02:00:00.000Z";
  const scheduled = await run(
    { [OPERATIONS]: { status: 202, body: sampleMigration({ status: "scheduled", scheduledTime }) } },
    "migrate-tenant",
    ...TARGET,
    "-v",
    "1.5.0",
    "--scheduled-time",
    scheduledTime,
  );
  expect(scheduled.code).toBe(0);
  expect(scheduled.out).toContain("starts at 2027-02-01 02:00Z");
  expect(api?.calls[0]?.body).toMatchObject({ scheduledTime });
});

test("each kind of operation is asked for in the API's words", async () => {
  api = await startFakeApi({ [OPERATIONS]: { status: 202, body: sampleSuccess() } });
  const version = ["-v", "1.5.0"];
  const lines = [
    ["install", ...TARGET, ...version],
    ["enable-side-by-side", ...TARGET, ...version],
    ["complete-migration", ...TARGET, ...version],
    ["rollback-tenant", ...TARGET, "--accept-data-loss"],
    ["rollback-tenant", ...TARGET, ...version],
    ["rollback-point", "create", ...TARGET, ...version, "--reason", "import"],
    ["migrate-tenant", ...TARGET, ...version, "--no-rollback-on-failure", "--rollback-version", "1.0.0"],
    ["migrate-tenant", ...TARGET, ...version, "--require-rehearsal", "2d"],
    ["rehearse-migration", ...TARGET, ...version, "--no-wait"],
  ];
  for (const words of lines) expect((await runInProcess(api.url, words)).code).toBe(0);
  expect(api.calls.map((call) => call.body)).toEqual([
    { kind: "install", version: "1.5.0" },
    { kind: "side-by-side", version: "1.5.0" },
    { kind: "complete", version: "1.5.0" },
    { kind: "rollback", acceptDataLoss: true },
    { kind: "rollback", acceptDataLoss: false, version: "1.5.0" },
    { kind: "rollback-point", version: "1.5.0", reason: "import" },
    { kind: "migrate", version: "1.5.0", rollbackOnFailure: false, rollbackVersion: "1.0.0" },
    { kind: "migrate", version: "1.5.0", rollbackOnFailure: true, requireRehearsal: 172_800 },
    { kind: "rehearse", version: "1.5.0" },
  ]);
});

test("a refusal for data loss shows the counts and the option that says yes", async () => {
  const detail = "would lose the writes made since: invoices: 3 inserted. Say so with --accept-data-loss.";
  const lostWrites = [{ table: "invoices", inserted: 3, updated: 0, deleted: 0, exact: true }];
  const answers = { [OPERATIONS]: problem(409, "AIBOS_DATA_LOSS_NOT_ACCEPTED", detail, { lostWrites }) };
  const ran = await run(answers, "rollback-tenant", ...TARGET);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain("invoices: 3 inserted");
  expect(ran.err).toContain("--accept-data-loss");
  expect(ran.err).toContain("request req-1");
  const document = await runInProcess(api?.url ?? "", ["rollback-tenant", ...TARGET, "--json"]);
  expect(JSON.parse(document.out)).toMatchObject({ error: { lostWrites, requestId: "req-1" } });
});

test("migration-status exits with 1 for a migration that failed, and shows its steps", async () => {
  const ran = await run(
    { "GET /v1/migrations/mig_8f3c2a1b9d04": { body: sampleFailure() } },
    "migration-status",
    "mig_8f3c2a1b9d04",
  );
  expect(ran.code).toBe(1);
  expect(ran.out).toMatch(/^step +status +took +error$/m);
  expect(ran.out).toMatch(/^Step 1 +undone +250 ms/m);
});

test("--dry-run starts nothing and exits with 1 when the move is not possible", async () => {
  const validation = {
    isValid: false,
    warnings: [],
    path: ["1.0.0", "2.0.0"],
    steps: [],
    holdsRequests: true,
    estimate: null,
    errors: [
      {
        code: "AIBOS_NO_UPGRADE_PATH",
        severity: "error",
        message: "2.0.0 is not reached from 1.0.0.",
        wayOut: "Move to 1.5.0 first.",
      },
    ],
  };
  const ran = await run(
    { "POST /v1/tenants/acme/modules/accounting/validation": { body: validation } },
    "migrate-tenant",
    ...TARGET,
    "-v",
    "2.0.0",
    "--dry-run",
  );
  expect(ran.code).toBe(1);
  expect(ran.out).toContain("✖ 2.0.0 is not reached from 1.0.0. AIBOS_NO_UPGRADE_PATH\n    Move to 1.5.0 first.");
  expect(api?.calls.map((call) => call.address)).toEqual(["POST /v1/tenants/acme/modules/accounting/validation"]);
});

test("rehearse-migration shows the report, and exits with 1 when it has not passed", async () => {
  const rehearsal = {
    passed: false,
    fromVersion: "1.0.0",
    toVersion: "1.5.0",
    path: ["1.0.0", "1.5.0"],
    digests: {},
    rows: 1_200,
    bytes: 2_097_152,
    durationMs: 850,
    phases: [],
    locks: [{ table: "invoices", mode: "AccessExclusiveLock", blocks: "reads and writes", heldMs: 3.2 }],
    conflicts: [{ kind: "customisation", name: "settings", message: "from 1.0.0 to 1.5.0, at $.days: both-changed" }],
    differences: {
      tables: [{ table: "payments", rowsBefore: null, rowsAfter: 7 }],
      structure: ["column invoices.due: is new"],
      structureLines: 1,
    },
    checks: [{ name: "1.5.0 serves the copy", ok: true, detail: "/healthz answered in 4 ms" }],
    failure: null,
  };
  const ended = { ...sampleSuccess({ kind: "rehearse" }), result: { rehearsal } };
  const ran = await run({ [OPERATIONS]: { status: 202, body: ended } }, "rehearse-migration", ...TARGET, "-v", "1.5.0");
  expect(ran.code).toBe(1);
  for (const line of [
    "✖ acme: accounting 1.0.0 → 1.5.0: the rehearsal did not pass. Nothing was changed.",
    "1200 rows (2.0 MiB) were copied; a migration would work 850 ms on them.",
    "✔ 1.5.0 serves the copy: /healthz answered in 4 ms",
    "customisation settings: from 1.0.0 to 1.5.0, at $.days: both-changed",
    "invoices: reads and writes for 3 ms",
    "payments: not there → 7",
    "column invoices.due: is new",
  ]) {
    expect(ran.out).toContain(line);
  }
});

test("migration-status shows with --log, and streams with --watch, what was run and said", async () => {
  const line = {
    number: 1,
    at: "2027-01-31T09:30:00.000Z",
    step: "hop",
    kind: "statement",
    text: "alter table a",
    ms: 12,
  };
  const said = { ...line, number: 2, kind: "process", text: "listening", ms: null };
  const address = "GET /v1/migrations/mig_8f3c2a1b9d04";
  const stored = await run(
    { [address]: { body: sampleSuccess() }, [`${address}/log`]: { body: { lines: [line, said] } } },
    "migration-status",
    "mig_8f3c2a1b9d04",
    "--log",
  );
  expect(stored.out).toContain("hop    sql alter table a (12 ms)\nhop    out listening");
  await api?.[Symbol.asyncDispose]();
  let ended = false;
  api = await startFakeApi({
    [address]: () => ({ body: ended ? sampleSuccess() : sampleMigration() }),
    [`${address}/events`]: () => {
      ended = true;
      return { lines: [sampleSuccess()] };
    },
    [`${address}/log/events`]: { lines: [line, said] },
  });
  const watched = await runInProcess(api.url, ["migration-status", "mig_8f3c2a1b9d04", "--watch"]);
  expect(watched.code).toBe(0);
  expect(watched.out).toContain("sql alter table a (12 ms)");
});
