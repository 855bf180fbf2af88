import { describe, expect, test } from "vitest";
import type { Migration } from "@aibos/contract";
import { someBatch } from "../../features/measurements/testing/some-batch.ts";
import type { ServiceWorld } from "./service-world.ts";

const SOON = { timeout: 20_000 };
const LATENCIES = Array.from({ length: 400 }, (_, index) => 10 + (index % 10));

export function describeSupervisedMigrations(world: ServiceWorld): void {
  const isAt = (id: string, step: string) =>
    expect.poll(async () => (await world.service.getMigration(id)).step, SOON).toBe(step);
  const stands = (id: string, status: Migration["status"]) =>
    expect.poll(async () => (await world.service.getMigration(id)).status, SOON).toBe(status);
  const move = (tenant: string, version: string, options: { observe?: number; rollbackOnFailure?: boolean } = {}) =>
    world.service.start(tenant, "notes", { kind: "migrate", version, ...options });

  describe("a migration that is supervised", () => {
    test("is watched for a while, and then is done", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const migration = await world.service.migrateTenant(tenant, "notes", "2.2.0", { observe: 1 });
      const watched = migration.steps.find(({ name }) => name === "observe");
      expect(watched).toMatchObject({ status: "succeeded", detail: { seconds: 1, verdict: "no-traffic" } });
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "2.2.0": 100 });
    });

    test("goes back with every write kept when users' requests fail more than before", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const measured = (version: string, at: number, errors: number) =>
        world.measure(
          someBatch([{ at, tenant, version, latencies: LATENCIES, errors: errors === 0 ? {} : { server: errors } }]),
        );
      for (let ago = 1; ago <= 6; ago += 1) await measured("2.0.0", Date.now() - ago * 10_000, 0);
      const { id } = await move(tenant, "2.2.0", { observe: 60 });
      await isAt(id, "observe");
      await world.asVersion(tenant, "2.2.0", "insert into notes (kind, rest) values ('new', 'one')");
      await measured("2.2.0", Date.now(), 300);
      const migration = await world.service.waitForMigration(id);
      expect(migration).toMatchObject({
        status: "rolled-back",
        failure: { step: "observe", code: "AIBOS_OBSERVATION_FAILED", message: expect.stringContaining("Fail:") },
      });
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "2.0.0",
        traffic: { "2.0.0": 100 },
      });
      expect(await world.inTenant(tenant, "select content from notes where id > 50")).toEqual([{ content: "new one" }]);
    });

    test("after a soak completes itself; going back before that loses nothing and needs no yes", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const soaking = await world.service.migrateTenant(tenant, "notes", "2.2.0", { soak: 600 });
      const { completion } = soaking.result;
      expect(await world.service.getMigration(completion?.migrationId ?? "")).toMatchObject({
        kind: "complete",
        status: "scheduled",
        scheduledTime: completion?.at,
        follows: soaking.id,
      });
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "2.0.0": 0, "2.2.0": 100 });
      await world.asVersion(tenant, "2.2.0", "insert into notes (kind, rest) values ('new', 'one')");
      expect((await world.service.rollbackTenant(tenant, "notes")).status).toBe("succeeded");
      expect(await world.inTenant(tenant, "select content from notes where id > 50")).toEqual([{ content: "new one" }]);
      await stands(completion?.migrationId ?? "", "cancelled");

      const short = await world.service.migrateTenant(tenant, "notes", "2.2.0", { soak: 1 });
      await stands(short.result.completion?.migrationId ?? "", "succeeded");
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "2.2.0",
        traffic: { "2.2.0": 100 },
      });
    });

    test("can't soak where SQL files change the data", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await expect(world.service.migrateTenant(tenant, "notes", "2.0.0", { soak: 60 })).rejects.toMatchObject({
        code: "AIBOS_SOAK_UNSUPPORTED",
        message: expect.stringContaining("1.1.0 changes the data by SQL files"),
      });
    });

    test("is cancelled while it runs, and puts back what it did", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const before = await world.stateOf(tenant);
      const { id } = await move(tenant, "2.2.0", { observe: 600 });
      await isAt(id, "observe");
      expect(await world.service.cancelMigration(id)).toMatchObject({ status: "running", wanted: "cancel" });
      expect(await world.service.waitForMigration(id)).toMatchObject({ status: "cancelled" });
      expect(await world.stateOf(tenant)).toEqual(before);
      await expect(world.service.cancelMigration(id)).rejects.toMatchObject({
        code: "AIBOS_MIGRATION_NOT_CANCELLABLE",
        message: expect.stringContaining("it is cancelled"),
      });
    });

    test("can't be cancelled once a hold has ended, when users write what that would lose", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const { id } = await move(tenant, "1.1.0", { observe: 3 });
      await isAt(id, "observe");
      await world.inTenant(tenant, "insert into notes (body) values ('written since')");
      await expect(world.service.cancelMigration(id)).rejects.toMatchObject({
        code: "AIBOS_MIGRATION_NOT_CANCELLABLE",
        message: expect.stringContaining('step "route"'),
      });
      expect(await world.service.waitForMigration(id)).toMatchObject({ status: "succeeded" });
      const written = "select count(*)::int as n from notes where body = 'written since'";
      expect(await world.inTenant(tenant, written)).toEqual([{ n: 1 }]);
    });

    test("is paused before a step, resumed, and can't be cancelled once it is done", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const { id } = await move(tenant, "2.2.0", { observe: 2 });
      await isAt(id, "observe");
      expect(await world.service.pauseMigration(id)).toMatchObject({ wanted: "pause" });
      await stands(id, "paused");
      expect(await world.service.getMigration(id)).toMatchObject({ step: "observe", wanted: null, failure: null });
      await expect(world.service.pauseMigration(id)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_NOT_PAUSABLE" });
      expect(await world.service.resumeMigration(id)).toMatchObject({ status: "running" });
      expect(await world.service.waitForMigration(id)).toMatchObject({ status: "succeeded" });
      await expect(world.service.resumeMigration(id)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_NOT_PAUSED" });
      await expect(world.service.cancelMigration(id)).rejects.toMatchObject({
        code: "AIBOS_MIGRATION_NOT_CANCELLABLE",
      });
      await expect(world.service.retryMigration(id)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_NOT_RETRIABLE" });
    });

    test("stops at the step that fails, and goes on from it or is put back", async () => {
      const tenant = await world.tenantAt("2.2.0");
      await world.inTenant(tenant, "update notes set rest = 'no number' where id = 5");
      const before = await world.stateOf(tenant);
      const { id } = await move(tenant, "2.3.0", { rollbackOnFailure: false });
      const halted = await world.service.waitForMigration(id);
      expect(halted).toMatchObject({ status: "paused", finishedAt: null });
      expect(halted.failure?.message).toContain("no number");
      await expect(world.service.retryMigration(id)).resolves.toMatchObject({ status: "running" });
      expect(await world.service.waitForMigration(id)).toMatchObject({ status: "paused" });
      await world.service.cancelMigration(id);
      expect(await world.service.waitForMigration(id)).toMatchObject({ status: "cancelled" });
      expect(await world.stateOf(tenant)).toEqual(before);

      const again = await world.service.retryMigration(id);
      expect(again).toMatchObject({ follows: id, kind: "migrate" });
      expect(await world.service.waitForMigration(again.id)).toMatchObject({ status: "paused" });
      await world.asVersion(tenant, "2.2.0", "update notes set rest = '5' where id = 5");
      await world.service.resumeMigration(again.id);
      expect(await world.service.waitForMigration(again.id)).toMatchObject({ status: "succeeded", failure: null });
      expect((await world.service.getTenantModule(tenant, "notes")).dataVersion).toBe("2.3.0");
    });
  });
}
