import { describe, expect, test } from "vitest";
import type { Migration } from "@aibos/contract";
import type { ServiceWorld } from "./service-world.ts";

/** Ends without anything that tells when. */
const SOON = { timeout: 20_000 };

const stepsOf = ({ steps }: Migration): string[] => steps.map((step) => `${step.name} ${step.status}`);

export function describeMigrations(world: ServiceWorld): void {
  describe("a migration", () => {
    test("moves the data over every release on the way, and can be taken back", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const before = await world.stateOf(tenant);
      const validation = await world.service.validateMigration(tenant, "notes", "2.0.0");
      expect(validation).toMatchObject({ isValid: true, path: ["1.0.0", "1.1.0", "2.0.0"], holdsRequests: true });
      expect(validation.warnings).toMatchObject([
        { code: "AIBOS_REQUESTS_HELD", message: expect.stringContaining("1.1.0 changes the data by SQL files") },
        {
          code: "AIBOS_SQL_SCANS_TABLE",
          message: expect.stringContaining("2.0.0, 003_text.up.sql:2 (create index notes_content"),
        },
      ]);
      const migration = await world.service.migrateTenant(tenant, "notes", "2.0.0");
      expect(migration).toMatchObject({ status: "succeeded", fromVersion: "1.0.0", toVersion: "2.0.0" });
      expect(migration.steps.every(({ status }) => status === "succeeded")).toBe(true);
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "2.0.0",
        traffic: { "2.0.0": 100 },
      });
      expect(await world.inTenant(tenant, "select content from notes where id = 1")).toEqual([{ content: "note 1" }]);

      expect((await world.service.rollbackTenant(tenant, "notes")).status).toBe("succeeded");
      expect(await world.stateOf(tenant)).toEqual(before);
    });

    test("that was followed by writes is only taken back with a yes, and that itself can be undone", async () => {
      const tenant = await world.tenantAt("1.1.0");
      await world.service.migrateTenant(tenant, "notes", "2.0.0");
      await world.inTenant(tenant, "insert into notes (content) select 'new ' || n from generate_series(1, 3) n");
      await world.inTenant(tenant, "update notes set content = 'changed' where id = 1");
      await world.inTenant(tenant, "delete from notes where id in (2, 3)");
      const withWrites = await world.stateOf(tenant);
      await expect(world.service.rollbackTenant(tenant, "notes")).rejects.toMatchObject({
        code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
        message: expect.stringContaining("notes: 3 inserted, 1 updated, 2 deleted"),
      });
      expect(await world.stateOf(tenant)).toEqual(withWrites);

      const back = await world.service.rollbackTenant(tenant, "notes", undefined, { acceptDataLoss: true });
      expect(back.result.lostWrites).toMatchObject([{ table: "notes", inserted: 3, updated: 1, deleted: 2 }]);
      expect(await world.inTenant(tenant, "select body from notes where id = 1")).toEqual([{ body: "note 1" }]);

      // What was swapped out is a rollback point of its own.
      const { items } = await world.service.listRollbackPoints({ tenant, module: "notes" });
      const kept = items.find(({ state, version }) => state === "available" && version === "2.0.0");
      await world.service.restoreFromRollbackPoint(kept?.id ?? "");
      expect(await world.stateOf(tenant)).toEqual(withWrites);
    });

    test("that fails in the middle leaves everything exactly as before", async () => {
      const tenant = await world.tenantAt("1.1.0");
      const before = await world.stateOf(tenant);
      const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "2.1.0" });
      const migration = await world.service.waitForMigration(id);
      expect(migration).toMatchObject({
        status: "rolled-back",
        failure: { step: "hop", code: "AIBOS_MIGRATION_SQL" },
      });
      expect(migration.failure?.message).toContain("004_length.up.sql");
      expect(stepsOf(migration)).toContain("rollback-point undone");
      expect(await world.stateOf(tenant)).toEqual(before);
      await expect(world.service.migrateTenant(tenant, "notes", "2.1.0")).rejects.toMatchObject({
        code: "AIBOS_MIGRATION_FAILED",
        message: expect.stringContaining("Everything was put back as it was before."),
      });
    });

    test("to a version that can't serve the tenant's data is put back", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const before = await world.stateOf(tenant);
      const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "3.0.0" });
      const migration = await world.service.waitForMigration(id);
      expect(migration).toMatchObject({
        status: "rolled-back",
        failure: { step: "probe", code: "AIBOS_TENANT_UNHEALTHY" },
      });
      expect(await world.stateOf(tenant)).toEqual(before);
    });

    test("that may not be undone keeps the furthest version reached", async () => {
      const tenant = await world.tenantAt("1.1.0");
      const options = { kind: "migrate", version: "2.1.0", rollbackOnFailure: false } as const;
      const migration = await world.service.waitForMigration((await world.service.start(tenant, "notes", options)).id);
      expect(migration).toMatchObject({ status: "failed", failure: { step: "hop" } });
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "2.0.0",
        traffic: { "2.0.0": 100 },
        operation: null,
      });
      expect((await world.service.performHealthCheck(tenant, "notes")).status).not.toBe("unhealthy");
    });

    test("with a place to go back to goes there after a failure", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.service.migrateTenant(tenant, "notes", "2.0.0");
      const options = { kind: "migrate", version: "2.1.0", rollbackVersion: "1.0.0" } as const;
      await world.service.waitForMigration((await world.service.start(tenant, "notes", options)).id);
      await expect
        .poll(async () => (await world.service.getTenantModule(tenant, "notes")).dataVersion, SOON)
        .toBe("1.0.0");
      await expect.poll(async () => (await world.service.getTenantModule(tenant, "notes")).operation, SOON).toBeNull();
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 100 });
    });

    test("waits for its time", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const scheduledTime = new Date(Date.now() + 1_500).toISOString();
      const scheduled = await world.service.migrateTenant(tenant, "notes", "1.1.0", { scheduledTime });
      expect(scheduled).toMatchObject({ status: "scheduled", finishedAt: null });
      expect((await world.service.getTenantModule(tenant, "notes")).dataVersion).toBe("1.0.0");
      const migration = await world.service.waitForMigration(scheduled.id);
      expect(migration.status).toBe("succeeded");
      expect(Date.parse(migration.steps[0]?.startedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(scheduledTime));
    });

    test("that waits can be cancelled, and then never happens", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const scheduledTime = new Date(Date.now() + 1_000).toISOString();
      const { id } = await world.service.migrateTenant(tenant, "notes", "1.1.0", { scheduledTime });
      expect(await world.service.cancelMigration(id)).toMatchObject({ status: "cancelled", steps: [] });
      const refusal = { code: "AIBOS_MIGRATION_NOT_CANCELLABLE", message: expect.stringContaining("it is cancelled") };
      await expect(world.service.cancelMigration(id)).rejects.toMatchObject(refusal);
      await expect(world.service.cancelMigration("mig_unknown")).rejects.toMatchObject({
        code: "AIBOS_MIGRATION_NOT_FOUND",
      });
      // A second one that is due after the first would have been: when it has ended, the first had its chance.
      const later = new Date(Date.parse(scheduledTime) + 500).toISOString();
      const second = await world.service.migrateTenant(tenant, "notes", "2.0.0", { scheduledTime: later });
      expect(await world.service.waitForMigration(second.id)).toMatchObject({
        status: "succeeded",
        fromVersion: "1.0.0",
      });
      expect((await world.service.getMigration(id)).status).toBe("cancelled");
    });

    test("without a path, or to where the tenant is, is refused before anything happens", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const before = await world.stateOf(tenant);
      await expect(world.service.migrateTenant(tenant, "notes", "1.0.0")).rejects.toMatchObject({
        code: "AIBOS_ALREADY_ON_VERSION",
      });
      const ahead = await world.tenantAt("2.0.0");
      const backwards = await world.service.validateMigration(ahead, "notes", "1.1.0");
      expect(backwards).toMatchObject({ isValid: false, errors: [{ code: "AIBOS_NO_UPGRADE_PATH" }] });
      await expect(world.service.migrateTenant(ahead, "notes", "1.1.0")).rejects.toMatchObject({
        message: expect.stringContaining("upgrades lead forward only"),
      });
      expect(await world.stateOf(tenant)).toEqual(before);
    });

    test("keeps every other operation of the tenant and module away, which are told its name", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const starts = await Promise.allSettled(
        ["1.1.0", "2.0.0", "1.1.0", "2.0.0"].map((version) =>
          world.service.start(tenant, "notes", { kind: "migrate", version }),
        ),
      );
      const started = starts.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      const refused = starts.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
      expect(started).toHaveLength(1);
      const id = started[0]?.id ?? "";
      for (const error of refused) {
        expect(error).toMatchObject({ code: "AIBOS_OPERATION_IN_PROGRESS", message: expect.stringContaining(id) });
      }
      const split = world.service.updateTrafficSplit(tenant, "notes", { "1.0.0": 100 });
      await expect(split).rejects.toMatchObject({ code: "AIBOS_OPERATION_IN_PROGRESS" });
      expect((await world.service.waitForMigration(id)).status).toBe("succeeded");
    });

    test("can be watched from its first step to its end", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "1.1.0" });
      const seen: Migration[] = [];
      for await (const migration of world.service.watchMigration(id)) seen.push(migration);
      expect(seen.at(-1)).toMatchObject({ status: "succeeded" });
      expect(seen.length).toBeGreaterThan(2);
      expect((await world.service.listMigrations({ tenant, module: "notes" })).items.map((item) => item.id)).toContain(
        id,
      );
      await expect(world.service.getMigration("mig_unknown")).rejects.toMatchObject({
        code: "AIBOS_MIGRATION_NOT_FOUND",
      });
    });
  });
}
