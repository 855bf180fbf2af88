import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OperationInput } from "@aibos/contract";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { notesArchive } from "../packages/control-plane/src/testing/notes-module.ts";
import {
  clearBreakpoints,
  installBreakpoints,
  releaseBreakpoints,
  setBreakpoint,
  waitForBreakpoint,
} from "./crash-test/breakpoint.ts";
import { moduleProcesses } from "./crash-test/inspection.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "./crash-test/control-plane-process.ts";

let database: TestDatabase;
let folder = "";
let client: pg.Client;
const processes: ControlPlaneProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-takeover-")));
  client = new pg.Client({ connectionString: database.superuserUrl });
  client.on("error", () => undefined);
  await client.connect();
});
afterAll(async () => {
  await Promise.all(processes.map((process) => process.stop()));
  await client.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function start(name: string): Promise<ControlPlaneProcess> {
  const process = await startControlPlaneProcess({
    dataFolder: join(folder, name),
    databaseUrl: database.url,
    environment: { AIBOS_BACKUP_DIR: join(folder, "backups") },
  });
  processes.push(process);
  return process;
}

test("what a control plane was working on when it died is taken up by another one on the same database", async () => {
  const first = await start("first");
  for (const version of ["1.0.0", "1.1.0", "2.0.0"] as const) await first.service.publish(await notesArchive(version));
  await first.service.createTenant({ id: "acme" });
  await first.service.install("acme", "notes", "1.0.0");
  await installBreakpoints(client);
  const second = await start("second");

  // The first one stands still in the transaction that changes the data, and is killed there.
  await setBreakpoint(client, { position: 6, step: "hop", status: "succeeded" });
  const { id } = await first.service.start("acme", "notes", { kind: "migrate", version: "2.0.0" });
  await waitForBreakpoint(client);
  expect(await second.service.getMigration(id)).toMatchObject({ status: "running" });
  await first.kill();
  await clearBreakpoints(client);
  await releaseBreakpoints(client);

  const migration = await second.service.waitForMigration(id);
  expect(migration).toMatchObject({ status: "succeeded" });
  expect(await second.service.getTenantModule("acme", "notes")).toMatchObject({
    dataVersion: "2.0.0",
    traffic: { "2.0.0": 100 },
    operation: null,
  });
  const { controlPlanes } = await second.service.getStatus();
  expect(controlPlanes.filter(({ live }) => live)).toHaveLength(1);

  // The next start in the dead one's folder ends what was left running there: another one runs those versions now.
  const home = join(folder, "first");
  expect(await moduleProcesses(home)).not.toEqual([]);
  const third = await start("first");
  await expect.poll(() => moduleProcesses(home), { timeout: 20_000 }).toEqual([]);
  expect((await third.service.getStatus()).controlPlanes.filter(({ live }) => live)).toHaveLength(2);
}, 120_000);

test("rehearsals and backups whose control plane was killed go on or are ended, and leave nothing behind", async () => {
  await Promise.all(processes.splice(0).map((process) => process.stop()));
  let running = await start("rehearsing");
  await running.service.publish(await notesArchive("2.2.0"));
  await running.service.createTenant({ id: "beta" });
  await running.service.install("beta", "notes", "1.1.0");

  const rehearse = (tenant: string, version: string, at: { position: number; step: string }) =>
    killed(tenant, { kind: "rehearse", version }, at);

  /** Starts an operation, kills the control plane in the transaction that ends a step, and starts it again. */
  async function killed(tenant: string, operation: OperationInput, at: { position: number; step: string }) {
    await setBreakpoint(client, { ...at, status: "succeeded" });
    const { id } = await running.service.start(tenant, "notes", operation);
    await waitForBreakpoint(client);
    await running.kill();
    await clearBreakpoints(client);
    running = await start("rehearsing");
    return running.service.waitForMigration(id);
  }

  const live = await rehearse("acme", "2.2.0", { position: 4, step: "rehearsal-expand" });
  expect(live).toMatchObject({ status: "succeeded", result: { rehearsal: { passed: true } } });
  const files = await rehearse("beta", "2.0.0", { position: 4, step: "rehearsal-hop" });
  expect(files).toMatchObject({ status: "rolled-back", failure: { code: "AIBOS_REHEARSAL_INTERRUPTED" } });

  // A backup that was written and not told of is written again; one that was half read is read again.
  const backups = join(folder, "backups");
  const written = await killed("acme", { kind: "backup" }, { position: 0, step: "write-backup" });
  const backupId = written.result.backupId ?? "";
  expect(await readdir(backups)).toEqual([(await running.service.getBackup(backupId)).file]);
  expect((await running.service.verifyBackup(backupId)).isSound).toBe(true);
  await setBreakpoint(client, { position: 0, step: "stage-backup", status: "succeeded" });
  const restoring = running.service.restoreFromBackup(backupId).catch(() => undefined);
  await waitForBreakpoint(client);
  await running.kill();
  await clearBreakpoints(client);
  await restoring;
  running = await start("rehearsing");
  const [restore] = (await running.service.listMigrations({ tenant: "acme", kind: "restore-backup" })).items;
  expect(await running.service.waitForMigration(restore?.id ?? "")).toMatchObject({ status: "succeeded" });

  const { rows } = await client.query(
    `select nspname as left_behind from pg_namespace where nspname like '%_rehearsal_%'
     union all select rolname from pg_roles, aibos.installation i where rolname like 'aibos_' || i.id || '_rehearsal%'
     union all select migration_id from aibos.rehearsals`,
  );
  expect(rows).toEqual([]);
}, 120_000);
