import { describe, expect, test } from "vitest";
import { packFiles } from "../notes-module.ts";
import type { ServiceWorld } from "./service-world.ts";

/** What happens when somebody else is in the way, or the database refuses for a while. */
export function describeTroubles(world: ServiceWorld): void {
  describe("an operation", () => {
    test("that waits for a table is named at once to whoever wants another one, and goes on afterwards", async () => {
      const tenant = await world.tenantAt("1.1.0");
      const { schema } = await world.service.getTenantModule(tenant, "notes");
      await world.sql.query(`begin; lock table "${schema}".notes in access exclusive mode`);
      const scheduledTime = new Date(Date.now() + 3_600_000).toISOString();
      const waiting = await world.service.migrateTenant(tenant, "notes", "2.0.0", { scheduledTime });
      const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "2.0.0" });
      try {
        await expect
          .poll(async () => (await world.service.getMigration(id)).step, { timeout: 20_000 })
          .toBe("rollback-point");
        const refusal = { code: "AIBOS_OPERATION_IN_PROGRESS", message: expect.stringContaining(id) };
        const others = Array.from({ length: 20 }, () =>
          world.service.start(tenant, "notes", { kind: "migrate", version: "2.0.0" }),
        );
        for (const other of await Promise.allSettled(others)) expect(other).toMatchObject({ reason: refusal });
        await expect(world.service.updateTrafficSplit(tenant, "notes", { "1.1.0": 100 })).rejects.toMatchObject(
          refusal,
        );
        expect((await world.service.cancelMigration(waiting.id)).status).toBe("cancelled");
        expect(await world.service.validateMigration(tenant, "notes", "2.0.0")).toMatchObject({
          isValid: false,
          errors: [{ code: "AIBOS_OPERATION_IN_PROGRESS" }],
        });
      } finally {
        await world.sql.query("rollback");
      }
      expect((await world.service.waitForMigration(id)).status).toBe("succeeded");
    });

    test("ends although the database refuses its last entries for a while", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.sql.query(`
        create table refusals (tenant text);
        grant select on refusals to public;
        insert into refusals values ('${tenant}');
        create function refuse() returns trigger language plpgsql as $$ begin
          if new.finished_at is not null and exists (select from public.refusals r where r.tenant = new.tenant) then
            raise exception 'the disk is full' using errcode = '53100';
          end if;
          return new;
        end $$;
        create trigger refuse before update on aibos.migration_records for each row execute function refuse();
      `);
      try {
        const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "1.1.0" });
        const lastStep = async () => (await world.service.getMigration(id)).steps.at(-1);
        await expect.poll(async () => (await lastStep())?.name, { timeout: 20_000 }).toBe("confirm");
        await expect.poll(async () => (await lastStep())?.status, { timeout: 20_000 }).toBe("succeeded");
        expect((await world.service.getMigration(id)).status).toBe("running");
        await world.sql.query("delete from refusals");
        expect((await world.service.waitForMigration(id)).status).toBe("succeeded");
      } finally {
        await world.sql.query(
          "drop trigger refuse on aibos.migration_records; drop function refuse; drop table refusals",
        );
      }
    });

    test("ends although somebody reads a rollback point that is to be dropped, which is dropped later", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const point = await world.service.createRollbackPoint(tenant, "notes", "1.0.0", "the first");
      const copies = "select schema_name from aibos.rollback_points where id = $1";
      const { rows } = await world.sql.query<{ schema_name: string }>(copies, [point.id]);
      await world.sql.query(`begin; lock table "${rows[0]?.schema_name}".notes in access share mode`);
      try {
        for (const reason of ["2", "3", "4", "5", "6"]) {
          await world.service.createRollbackPoint(tenant, "notes", "1.0.0", reason);
        }
      } finally {
        await world.sql.query("rollback");
      }
      await world.service.createRollbackPoint(tenant, "notes", "1.0.0", "7");
      const available = async (): Promise<string[]> =>
        (await world.service.listRollbackPoints({ tenant, module: "notes" })).items
          .filter(({ state }) => state === "available")
          .map(({ reason }) => reason);
      await expect.poll(available, { timeout: 20_000 }).toEqual(["7", "6", "5", "4", "3"]);
    });
  });

  describe("going back", () => {
    test("a second time goes further back, never forward to what was left", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.service.migrateTenant(tenant, "notes", "1.1.0");
      await world.service.migrateTenant(tenant, "notes", "2.0.0");
      await world.service.rollbackTenant(tenant, "notes");
      expect((await world.service.getTenantModule(tenant, "notes")).dataVersion).toBe("1.1.0");
      await world.service.rollbackTenant(tenant, "notes");
      expect((await world.service.getTenantModule(tenant, "notes")).dataVersion).toBe("1.0.0");
      await expect(world.service.rollbackTenant(tenant, "notes")).rejects.toMatchObject({
        code: "AIBOS_ROLLBACK_UNAVAILABLE",
        message: expect.stringContaining("rollback-point list"),
      });
    });

    test("is refused where another module of the tenant would be left without what it needs", async () => {
      const manifest = `id: tags
version: "1.0.0"
title: Tags
dependencies: { notes: ">=1.1.0" }
runtime: { command: [node, server.mjs] }
`;
      const server = `import { createServer } from "node:http";
createServer((_, response) => response.end("ok")).listen(Number(process.env.PORT), "127.0.0.1");
`;
      await world.service.publish(await packFiles({ "aibos.module.yaml": manifest, "server.mjs": server }));
      const tenant = await world.tenantAt("1.0.0");
      const unmet = { code: "AIBOS_DEPENDENCY_UNMET" };
      await expect(world.service.install(tenant, "tags", "1.0.0")).rejects.toMatchObject(unmet);
      await world.service.migrateTenant(tenant, "notes", "1.1.0");
      await world.service.install(tenant, "tags", "1.0.0");
      const before = await world.stateOf(tenant);
      await expect(world.service.rollbackTenant(tenant, "notes")).rejects.toMatchObject({
        ...unmet,
        message: expect.stringContaining('tags 1.0.0 needs module "notes" at >=1.1.0'),
      });
      expect(await world.stateOf(tenant)).toEqual(before);
    });

    test("further, after a failed migration, loses writes only with a yes", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.service.migrateTenant(tenant, "notes", "2.0.0");
      await world.inTenant(tenant, "insert into notes (content) values ('written since')");
      const before = await world.stateOf(tenant);
      const options = { kind: "migrate", version: "2.1.0", rollbackVersion: "1.0.0" } as const;
      const refused = await world.service.waitForMigration((await world.service.start(tenant, "notes", options)).id);
      expect(refused.failure?.message).toContain("would lose the writes made since: notes: 1 inserted");
      expect(await world.stateOf(tenant)).toEqual(before);

      const accepted = await world.service.start(tenant, "notes", { ...options, acceptDataLoss: true });
      await world.service.waitForMigration(accepted.id);
      const dataVersion = async () => (await world.service.getTenantModule(tenant, "notes")).dataVersion;
      await expect.poll(dataVersion, { timeout: 20_000 }).toBe("1.0.0");
    });
  });
}
