import { describe, expect, test } from "vitest";
import type { ServiceWorld } from "./service-world.ts";

export function describeTenants(world: ServiceWorld): void {
  describe("tenants", () => {
    test("are created once, labelled and listed by label", async () => {
      await world.service.createTenant({ id: "labelled", title: "Labelled", labels: { region: "eu", tier: "gold" } });
      await expect(world.service.createTenant({ id: "labelled" })).rejects.toMatchObject({
        code: "AIBOS_TENANT_EXISTS",
      });
      await world.service.labelTenant("labelled", { tier: null, owner: "ada" });
      const { items } = await world.service.listTenants({ label: "owner=ada" });
      expect(items).toMatchObject([{ id: "labelled", title: "Labelled", labels: { region: "eu", owner: "ada" } }]);
    });

    test("an unknown tenant is told by every operation", async () => {
      const refusal = { code: "AIBOS_TENANT_NOT_FOUND", message: expect.stringContaining('no tenant "nobody"') };
      await expect(world.service.getTenant("nobody")).rejects.toMatchObject(refusal);
      await expect(world.service.install("nobody", "notes", "1.0.0")).rejects.toMatchObject(refusal);
      await expect(world.service.migrateTenant("nobody", "notes", "1.1.0")).rejects.toMatchObject(refusal);
    });

    test("a module is installed once, into a schema of its own", async () => {
      const tenant = await world.tenantAt("1.1.0");
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "1.1.0",
        traffic: { "1.1.0": 100 },
        operation: null,
        instances: [{ version: "1.1.0", status: "active", traffic: 100 }],
      });
      expect(await world.inTenant(tenant, "select count(*)::int as count from notes where not starred")).toEqual([
        { count: 50 },
      ]);
      await expect(world.service.install(tenant, "notes", "1.1.0")).rejects.toMatchObject({
        code: "AIBOS_ALREADY_INSTALLED",
      });
      await expect(world.service.install(tenant, "crm", "1.0.0")).rejects.toMatchObject({
        code: "AIBOS_MODULE_NOT_FOUND",
      });
    });

    test("a module that is not installed can't be migrated, and an install that fails leaves nothing behind", async () => {
      await world.service.createTenant({ id: "bare" });
      await expect(world.service.migrateTenant("bare", "notes", "1.1.0")).rejects.toMatchObject({
        code: "AIBOS_MODULE_NOT_INSTALLED",
        message: expect.stringContaining("aibos-versions install -t bare -m notes"),
      });
      await expect(world.service.install("bare", "notes", "2.1.0")).rejects.toMatchObject({
        code: "AIBOS_MIGRATION_FAILED",
        message: expect.stringMatching(/004_length\.up\.sql.*division by zero.*put back/s),
      });
      expect((await world.service.listTenantModules("bare")).items).toEqual([]);
      expect((await world.sql.query("select from pg_namespace where nspname like '%bare%'")).rowCount).toBe(0);
      expect(await world.service.install("bare", "notes", "1.0.0")).toMatch(/^ins_/);
    });
  });
}
