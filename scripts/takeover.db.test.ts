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
  const before = await start("copies");
  await before.service.publish(await notesArchive("2.2.0"));
  for (const version of ["1.0.0", "1.1.0", "2.0.0"] as const) await before.service.publish(await notesArchive(version));
  await installBreakpoints(client);
  for (const [tenant, version] of Object.entries({ live: "2.0.0", files: "1.1.0", saved: "1.1.0", back: "1.1.0" })) {
    await before.service.createTenant({ id: tenant });
    await before.service.install(tenant, "notes", version);
  }
  const earlier = await before.service.createBackup("back", "notes");

  // Each stands in the transaction that ends a step.
  const standing: number[] = [];
  const stand = async (tenant: string, position: number, step: string): Promise<void> => {
    standing.push(await setBreakpoint(client, { position, step, status: "succeeded" }, tenant));
  };
  await stand("live", 4, "rehearsal-expand");
  await stand("files", 4, "rehearsal-hop");
  await stand("saved", 0, "write-backup");
  await stand("back", 0, "stage-backup");
  const begin = async (tenant: string, operation: OperationInput): Promise<string> =>
    (await before.service.start(tenant, "notes", operation)).id;
  const live = await begin("live", { kind: "rehearse", version: "2.2.0" });
  const files = await begin("files", { kind: "rehearse", version: "2.0.0" });
  const writing = await begin("saved", { kind: "backup" });
  const restoring = before.service.restoreFromBackup(earlier.id).catch(() => undefined);
  await waitForBreakpoint(client, standing);
  await before.kill();
  await clearBreakpoints(client);
  await restoring;

  const { service } = await start("copies");
  expect(await service.waitForMigration(live)).toMatchObject({
    status: "succeeded",
    result: { rehearsal: { passed: true } },
  });
  expect(await service.waitForMigration(files)).toMatchObject({
    status: "rolled-back",
    failure: { code: "AIBOS_REHEARSAL_INTERRUPTED" },
  });
  // What was written and not told of is written again.
  const { backupId = "" } = (await service.waitForMigration(writing)).result;
  const { file } = await service.getBackup(backupId);
  expect(await readdir(join(folder, "backups"))).toEqual([earlier.file, file].sort());
  expect((await service.verifyBackup(backupId)).isSound).toBe(true);
  const [restore] = (await service.listMigrations({ tenant: "back", kind: "restore-backup" })).items;
  expect(await service.waitForMigration(restore?.id ?? "")).toMatchObject({ status: "succeeded" });

  const { rows } = await client.query(
    `select nspname as left_behind from pg_namespace where nspname like '%_rehearsal_%'
     union all select rolname from pg_roles, aibos.installation i where rolname like 'aibos_' || i.id || '_rehearsal%'
     union all select migration_id from aibos.rehearsals
     union all select nspname from pg_namespace n where nspname like 'rp\\_\\_%'
       and not exists (select from aibos.rollback_points p where p.schema_name = n.nspname and p.state = 'available')`,
  );
  expect(rows).toEqual([]);
}, 120_000);
