import { afterEach, expect, test } from "vitest";
import { type FakeApi, problem, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { sampleBackup, sampleMigration, sampleSuccess } from "../testing/sample-answers.ts";

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

const TARGET = ["-t", "acme", "-m", "accounting"];

test("backups are created, listed, verified, restored and deleted in the API's words", async () => {
  const sound = { id: "bk_1", isSound: true, problem: null, tables: 4, rows: 1_400, bytes: 1_500_000 };
  api = await startFakeApi({
    "POST /v1/tenants/acme/modules/accounting/migrations": {
      status: 202,
      body: sampleSuccess({ kind: "backup", result: { backupId: "bk_1" } }),
    },
    "GET /v1/backups": { body: { items: [sampleBackup()], nextCursor: null } },
    "POST /v1/backups/bk_1/verification": { body: sound },
    "POST /v1/backups/bk_1/restore": { status: 202, body: sampleMigration({ kind: "restore-backup" }) },
    "GET /v1/migrations/mig_8f3c2a1b9d04": { body: sampleSuccess({ kind: "restore-backup" }) },
    "POST /v1/backups/bk_1/deletion": { body: sampleBackup({ state: "deleted" }) },
  });
  const say = async (...words: string[]) => runInProcess(api?.url ?? "", ["backup", ...words]);
  expect((await say("create", ...TARGET, "--reason", "end of year")).out).toContain("1.0.0 has backup bk_1");
  expect((await say("list", "-t", "acme")).out).toMatch(/bk_1 +acme +accounting +1\.0\.0 +1,?400 +1\.4 MiB/);
  expect((await say("verify", "bk_1")).out).toBe("✔ bk_1 is sound: 4 tables, 1400 rows, 1.4 MiB\n");
  expect((await say("restore", "bk_1", "--accept-data-loss")).out).toContain(
    "was put back to 1.5.0, as the backup has it",
  );
  expect((await say("delete", "bk_1")).out).toBe("✔ bk_1 was deleted\n");
  expect(api.calls.map(({ body }) => body).filter((body) => body !== undefined)).toEqual([
    { kind: "backup", reason: "end of year" },
    { acceptDataLoss: true },
  ]);
});

test("backup verify exits with 1 for one that is not sound", async () => {
  const damaged = { id: "bk_1", isSound: false, problem: "The end is missing.", tables: 4, rows: 1, bytes: 1 };
  api = await startFakeApi({ "POST /v1/backups/bk_1/verification": { body: damaged } });
  const ran = await runInProcess(api.url, ["backup", "verify", "bk_1"]);
  expect(ran).toEqual({ code: 1, out: "✖ bk_1 can't be used: The end is missing.\n", err: "" });
});

test("retention is shown, set for a module or a tenant, and applied", async () => {
  const policy = { rollbackPoints: { keepLast: 5, keepDays: null }, backups: { keepLast: 10, keepDays: 30 } };
  const OWN = "/v1/tenants/acme/modules/accounting/retention";
  api = await startFakeApi({
    "GET /v1/modules/accounting/retention": { body: { policy, source: "default" } },
    "PUT /v1/modules/accounting/retention": { body: { policy, source: "module" } },
    [`PUT ${OWN}`]: { body: { policy, source: "module" } },
    [`POST ${OWN}/application`]: {
      body: {
        dryRun: true,
        dropped: [
          { kind: "backup", id: "bk_1", version: "1.0.0", bytes: 2_048, createdAt: "2027-01-31T09:30:00.000Z" },
        ],
        needed: ["rp_9"],
      },
    },
  });
  const say = async (...words: string[]) => runInProcess(api?.url ?? "", ["retention", ...words]);
  expect((await say("show", "-m", "accounting")).out).toBe(
    "✔ accounting, tenants without a policy of their own: the default policy\n" +
      "  backups: the newest 10 and those younger than 30 days are kept\n" +
      "  rollback points: the newest 5 are kept\n",
  );
  await say("set", "-m", "accounting", "--backups-last", "3", "--points-days", "7");
  await say("set", ...TARGET, "--default");
  expect((await say("apply", ...TARGET, "--dry-run")).out).toBe(
    "✔ 1 would be dropped:\n  backup bk_1 of 1.0.0, 2027-01-31 09:30Z, 2.0 KiB\n" +
      "  rp_9 is needed by an operation that has not ended, and stays\n",
  );
  expect(api.calls.slice(1).map(({ body }) => body)).toEqual([
    { policy: { backups: { keepLast: 3, keepDays: null }, rollbackPoints: { keepLast: null, keepDays: 7 } } },
    { policy: null },
    { dryRun: true },
  ]);
});

test("a backup that would lose writes is refused with the option that says yes", async () => {
  const detail = "Going back would lose writes. Say so with --accept-data-loss.";
  api = await startFakeApi({ "POST /v1/backups/bk_1/restore": problem(409, "AIBOS_DATA_LOSS_NOT_ACCEPTED", detail) });
  const ran = await runInProcess(api.url, ["backup", "restore", "bk_1"]);
  expect([ran.code, ran.err]).toEqual([1, expect.stringContaining("--accept-data-loss")]);
});
