import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseModuleId, parseTenantId } from "@aibos/domain";
import { fingerprintSchema } from "@aibos/tenant-data";
import { createMultiVersionService } from "../../index.ts";
import { packFiles } from "../../testing/notes-module.ts";
import { ServiceWorld } from "../../testing/service-contract/service-world.ts";

let folder = "";
const world = new ServiceWorld((options) => {
  folder = join(options.dataFolder, "backups");
  return createMultiVersionService(options);
});
beforeAll(async () => {
  await world.begin();
  for (const version of ["1.0.0", "2.0.0"]) await world.service.publish(await deskArchive(version));
}, 120_000);
afterAll(() => world.end());

/** While this file is there, 1.0.0 serves no tenant. */
const brake = join(tmpdir(), `aibos-desk-${process.pid}`);
const SERVER = `import { existsSync } from "node:fs";
import { createServer } from "node:http";
createServer((request, response) => {
  const refuses = request.url === "/tenant" && process.env.AIBOS_VERSION === "1.0.0" && existsSync(${JSON.stringify(brake)});
  response.writeHead(refuses ? 500 : 200).end("{}");
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

/** A module with data, something to customise, and flags; 2.0.0 changes all of them. */
function deskArchive(version: string): Promise<Buffer> {
  const is2 = version === "2.0.0";
  return packFiles({
    "aibos.module.yaml": `id: desk
version: "${version}"
title: Desk
runtime: { command: ["node", "server.mjs"], tenantHealthPath: /tenant }
${is2 ? 'upgrades: { from: "1.0.0" }\n' : ""}customizable:
  mail: { kind: text, content: customizable/mail.txt }
flags:
  dark: { type: boolean, default: false }
`,
    "server.mjs": SERVER,
    "customizable/mail.txt": is2 ? "Dear {{name}},\n\nall is well.\n" : "Dear customer,\n\nall is well.\n",
    "migrations/001_desks.up.sql": "create table desks (id int primary key, place text not null);\n",
    "migrations/001_desks.down.sql": "drop table desks;\n",
    ...(is2
      ? {
          "migrations/002_floor.yaml":
            "operations:\n  - add_column: { table: desks, column: { name: floor, type: integer, default: '1' } }\n",
        }
      : {}),
  });
}

async function deskTenant(tenant: string): Promise<void> {
  await world.service.createTenant({ id: tenant });
  await world.service.install(tenant, "desk", "1.0.0");
  await inDesk(tenant, "insert into desks values (1, 'window'), (2, 'door')");
}

async function inDesk(tenant: string, statement: string): Promise<unknown[]> {
  const { schema } = await world.service.getTenantModule(tenant, "desk");
  await world.sql.query("begin");
  await world.sql.query(`set local search_path = "${schema}"`);
  const { rows } = await world.sql.query<Record<string, unknown>>(statement);
  await world.sql.query("commit");
  return rows;
}

/** All that a tenant has: data, customisations, values of flags, what it decided, its policy. */
async function belongingsOf(tenant: string): Promise<unknown> {
  const { schema, dataVersion, traffic } = await world.service.getTenantModule(tenant, "desk");
  const { structure, data } = await fingerprintSchema(world.sql, schema);
  const { rows: resolutions } = await world.sql.query(
    "select id, take from aibos.recorded_resolutions where tenant = $1 and revoked_at is null order by id",
    [tenant],
  );
  return {
    dataVersion,
    traffic,
    structure,
    data,
    resolutions,
    mail: (await world.service.getCustomization(tenant, "desk", "mail")).content,
    flags: await world.service.listFeatureFlags(tenant, "desk"),
    policy: await world.service.getCustomizationPolicy(tenant, "desk"),
  };
}

/** Gives a tenant something of each kind, and changes all of it. */
async function settle(tenant: string): Promise<void> {
  await world.service.setCustomization(tenant, "desk", "mail", { content: "Hi,\n\nall is well.\n", author: "ann" });
  await world.service.updateFeatureFlags(tenant, "desk", { dark: true });
  await world.service.updateFeatureFlags(tenant, "desk", { dark: false }, { user: "ann" });
  // Met by looking, and decided for this tenant alone.
  await world.service.validateMigration(tenant, "desk", "2.0.0");
  const [conflict] = (await world.service.listConflicts("desk")).items;
  await world.service.resolveConflict("desk", { conflict: conflict?.id ?? "", take: "tenant", tenant, author: "ann" });
  await world.service.setCustomizationPolicy(tenant, "desk", { "": "vendor" });
}

async function unsettle(tenant: string): Promise<void> {
  await world.service.setCustomization(tenant, "desk", "mail", { content: "Go away.\n", author: "bob" });
  await world.service.updateFeatureFlags(tenant, "desk", { dark: false });
  await world.service.updateFeatureFlags(tenant, "desk", { dark: true }, { user: "bob" });
  for (const { id, tenant: whose } of (await world.service.listResolutions("desk")).items) {
    if (whose === tenant) await world.service.revokeResolution(id).catch(() => undefined);
  }
  await world.service.setCustomizationPolicy(tenant, "desk", { "": "tenant" });
  await inDesk(tenant, "update desks set place = 'cellar' where id = 1");
}

describe("what a tenant has besides its data", () => {
  test("comes back with a rollback point; a restore that fails, or is gone back from, leaves what was changed", async () => {
    const tenant = "points";
    await deskTenant(tenant);
    await settle(tenant);
    const before = await belongingsOf(tenant);
    const point = await world.service.createRollbackPoint(tenant, "desk", "1.0.0", "before a change");
    await unsettle(tenant);
    const changed = await belongingsOf(tenant);
    await writeFile(brake, "");
    const failing = world.service.restoreFromRollbackPoint(point.id, { acceptDataLoss: true });
    await expect(failing).rejects.toMatchObject({ step: "probe", undone: true });
    await rm(brake);
    expect(await belongingsOf(tenant)).toEqual(changed);
    const restored = await world.service.restoreFromRollbackPoint(point.id, { acceptDataLoss: true });
    expect(await belongingsOf(tenant)).toEqual(before);
    await world.service.restoreFromRollbackPoint(restored.result.rollbackPointId ?? "", { acceptDataLoss: true });
    expect(await belongingsOf(tenant)).toEqual(changed);
  });

  test("comes back with a backup from a newer version, byte for byte, with the lost writes disclosed", async () => {
    const tenant = "returns";
    await deskTenant(tenant);
    await settle(tenant);
    const before = await belongingsOf(tenant);
    const backup = await world.service.createBackup(tenant, "desk", { reason: "before the upgrade" });
    expect(backup).toMatchObject({ version: "1.0.0", state: "available", reason: "before the upgrade", rows: 3 });
    expect(await world.service.verifyBackup(backup.id)).toMatchObject({ isSound: true, problem: null, rows: 3 });

    await world.service.migrateTenant(tenant, "desk", "2.0.0");
    await unsettle(tenant);
    await inDesk(tenant, "insert into desks (id, place, floor) values (3, 'roof', 9)");
    await expect(world.service.restoreFromBackup(backup.id)).rejects.toMatchObject({
      code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
      message: expect.stringMatching(/Going back to 1\.0\.0 \(backup bk_.*desks: .*1 inserted, 1 updated/),
    });
    const restored = await world.service.restoreFromBackup(backup.id, { acceptDataLoss: true });
    expect(restored).toMatchObject({ kind: "restore-backup", toVersion: "1.0.0", status: "succeeded" });
    expect(await belongingsOf(tenant)).toEqual(before);
    // What was there is a rollback point, and the backup can be used again.
    const kept = restored.result.rollbackPointId ?? "";
    expect((await world.service.restoreFromRollbackPoint(kept, { acceptDataLoss: true })).toVersion).toBe("2.0.0");
    expect(await inDesk(tenant, "select floor from desks where id = 3")).toEqual([{ floor: 9 }]);
    await world.service.restoreFromBackup(backup.id, { acceptDataLoss: true });
    expect(await belongingsOf(tenant)).toEqual(before);
  });
});

describe("a backup", () => {
  test("that was altered, is not there or is another one's is told, and restores nothing", async () => {
    const tenant = await world.tenantAt("2.0.0");
    const backup = await world.service.createBackup(tenant, "notes");
    const path = join(folder, backup.file);
    const bytes = await readFile(path);
    const before = await world.stateOf(tenant);

    const altered = Buffer.from(bytes);
    altered[altered.length - 40] = (altered[altered.length - 40] ?? 0) ^ 1;
    await writeFile(path, altered);
    expect(await world.service.verifyBackup(backup.id)).toMatchObject({ isSound: false, problem: expect.any(String) });
    const restore = world.service.restoreFromBackup(backup.id, { acceptDataLoss: true });
    await expect(restore).rejects.toMatchObject({ code: "AIBOS_MIGRATION_FAILED", step: "stage-backup" });
    expect(await world.stateOf(tenant)).toEqual(before);

    await rename(path, `${path}.away`);
    await expect(world.service.verifyBackup(backup.id)).rejects.toMatchObject({
      code: "AIBOS_BACKUP_NOT_FOUND",
      message: expect.stringContaining("AIBOS_BACKUP_DIR"),
    });
    const other = await world.service.createBackup(tenant, "notes");
    await writeFile(path, await readFile(join(folder, other.file)));
    expect((await world.service.verifyBackup(backup.id)).isSound).toBe(false);
    const { rows } = await world.sql.query(
      "select nspname from pg_namespace n where nspname like 'rp\\_\\_%' and not exists (select from aibos.rollback_points where schema_name = nspname)",
    );
    expect(rows).toEqual([]);
  });

  test("is of one moment, is deleted with its file, and is kept while an operation restores it", async () => {
    const tenant = await world.tenantAt("2.0.0");
    const { schema } = await world.service.getTenantModule(tenant, "notes");
    const backup = await world.service.createBackup(tenant, "notes");
    const { data } = await fingerprintSchema(world.sql, schema);
    expect(backup.fingerprint.data).toBe(data);
    expect((await world.service.listBackups({ tenant })).items).toEqual([backup]);
    await world.sql.query(
      `insert into aibos.migration_records (id, tenant, module, kind, status, request)
       values ('mig_planted', $1, 'notes', 'restore-backup', 'scheduled', $2)`,
      [tenant, JSON.stringify({ kind: "restore-backup", backupId: backup.id, acceptDataLoss: true })],
    );
    await expect(world.service.deleteBackup(backup.id)).rejects.toMatchObject({ code: "AIBOS_BACKUP_IN_USE" });
    await world.service.setRetentionPolicy(tenant, "notes", { backups: { keepLast: 0, keepDays: null } });
    expect(await world.service.applyRetention(tenant, "notes")).toMatchObject({ dropped: [], needed: [backup.id] });
    await world.sql.query("delete from aibos.migration_records where id = 'mig_planted'");
    expect(await world.service.deleteBackup(backup.id)).toMatchObject({ state: "deleted" });
    expect((await readdir(folder)).filter((name) => name.includes(tenant))).toEqual([]);
    await expect(world.service.getBackup(backup.id)).rejects.toMatchObject({ code: "AIBOS_BACKUP_NOT_FOUND" });
  });
});

describe("retention", () => {
  test("keeps what its policy says, by tenant, module or default, and tells what it drops", async () => {
    const tenant = await world.tenantAt("2.0.0");
    const pair = [parseTenantId(tenant), parseModuleId("notes")] as const;
    const take = (reason: string) => world.service.createRollbackPoint(tenant, "notes", "2.0.0", reason);
    const [first, second] = [await take("first"), await take("second")];
    const old = await world.service.createBackup(tenant, "notes");
    const young = await world.service.createBackup(tenant, "notes");
    expect(await world.service.getRetentionPolicy(...pair)).toMatchObject({ source: "default" });
    const age = "set created_at = created_at - interval '10 days' where id = any($1)";
    await world.sql.query(`update aibos.rollback_points ${age}`, [[first.id, second.id]]);
    await world.sql.query(`update aibos.backups ${age}`, [[old.id]]);

    await world.service.setModuleRetentionPolicy("notes", { backups: { keepLast: null, keepDays: 5 } });
    expect(await world.service.getRetentionPolicy(...pair)).toMatchObject({ source: "module" });
    const dry = await world.service.applyRetention(...pair, { dryRun: true });
    expect(dry.dropped.map(({ id }) => id)).toEqual([old.id]);
    await world.service.setRetentionPolicy(...pair, {
      rollbackPoints: { keepLast: 1, keepDays: 5 },
      backups: { keepLast: 1, keepDays: null },
    });
    const done = await world.service.applyRetention(...pair);
    expect(done.dropped.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual([
      `backup ${old.id}`,
      `rollback-point ${first.id}`,
    ]);
    expect(await world.service.applyRetention(...pair)).toEqual({ dryRun: false, dropped: [], needed: [] });
    expect((await world.service.listBackups({ tenant })).items.map(({ id }) => id)).toEqual([young.id]);
    expect((await readdir(folder)).filter((name) => name.startsWith(`${tenant}.`))).toEqual([young.file]);
    await world.service.setModuleRetentionPolicy("notes", null);
    expect(await world.service.setRetentionPolicy(...pair, null)).toMatchObject({ source: "default" });
  });

  test("never drops what a migration that soaks would need to go back", async () => {
    const tenant = await world.tenantAt("2.0.0");
    const soaking = await world.service.migrateTenant(tenant, "notes", "2.2.0", { soak: 600 });
    await world.service.setRetentionPolicy(tenant, "notes", { rollbackPoints: { keepLast: 0, keepDays: null } });
    const point = soaking.result.rollbackPointId ?? "";
    expect(await world.service.applyRetention(tenant, "notes")).toMatchObject({ dropped: [], needed: [point] });
    await world.service.cancelMigration(soaking.result.completion?.migrationId ?? "");
    expect((await world.service.applyRetention(tenant, "notes")).dropped.map(({ id }) => id)).toEqual([point]);
  });
});

describe("going back", () => {
  test("leads to an older version than the one before, and over several hops, with writes counted", async () => {
    const tenant = await world.tenantAt("2.0.0");
    const before = await world.stateOf(tenant);
    await world.service.migrateTenant(tenant, "notes", "2.2.0");
    await world.service.migrateTenant(tenant, "notes", "2.3.0");
    await world.inTenant(tenant, "insert into notes (kind, rest) values ('one', 1)");
    const older = (acceptDataLoss: boolean) =>
      world.service.rollbackTenant(tenant, "notes", "2.0.0", { acceptDataLoss });
    await expect(older(false)).rejects.toMatchObject({ code: "AIBOS_DATA_LOSS_NOT_ACCEPTED" });
    const back = await older(true);
    expect(back).toMatchObject({ status: "succeeded", fromVersion: "2.3.0", toVersion: "2.0.0" });
    expect(back.result.lostWrites).toMatchObject([{ table: expect.any(String), inserted: 1 }]);
    expect(await world.stateOf(tenant)).toEqual(before);
  });

  test("from several hops that soak takes all of them back at once, and loses nothing", async () => {
    const tenant = await world.tenantAt("2.0.0");
    await world.service.migrateTenant(tenant, "notes", "2.3.0", { soak: 600 });
    await world.asVersion(tenant, "2.3.0", "insert into notes (kind, rest) values ('new', 7)");
    const back = await world.service.rollbackTenant(tenant, "notes");
    expect(back).toMatchObject({ status: "succeeded", toVersion: "2.0.0" });
    expect(await world.inTenant(tenant, "select content from notes where id > 50")).toEqual([{ content: "new 7" }]);
    expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
      dataVersion: "2.0.0",
      traffic: { "2.0.0": 100 },
    });
  });
});
