import { describe, expect, test } from "vitest";
import type { Migration } from "@aibos/contract";
import type { ServiceWorld } from "./service-world.ts";

const namesOf = ({ steps }: Migration): string[] => steps.map((step) => step.name);

export function describeLiveData(world: ServiceWorld): void {
  const viewSchemas = async (tenant: string): Promise<unknown[]> => {
    const { schema } = await world.service.getTenantModule(tenant, "notes");
    const names = "select nspname from pg_namespace where starts_with(nspname, $1 || '@') order by 1";
    return (await world.sql.query<Record<string, unknown>>(names, [schema])).rows;
  };

  describe("releases whose data can be used beside each other", () => {
    test("are moved along without a hold, and nothing of the old one is left", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const validation = await world.service.validateMigration(tenant, "notes", "2.3.0");
      expect(validation).toMatchObject({
        isValid: true,
        path: ["2.0.0", "2.2.0", "2.3.0"],
        holdsRequests: false,
      });
      const migration = await world.service.migrateTenant(tenant, "notes", "2.3.0");
      expect(migration).toMatchObject({ status: "succeeded", fromVersion: "2.0.0", toVersion: "2.3.0" });
      expect(namesOf(migration)).not.toContain("hold");
      expect(migration.steps.every(({ status }) => status === "succeeded")).toBe(true);
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "2.3.0",
        traffic: { "2.3.0": 100 },
      });
      expect(await world.inTenant(tenant, "select kind, rest, colour from notes where id = 7")).toEqual([
        { kind: "note", rest: 7, colour: "blue" },
      ]);
      expect(await viewSchemas(tenant)).toEqual([]);
      expect((await world.service.performHealthCheck(tenant, "notes")).checks[0]).toMatchObject({ ok: true });
    });

    test("are looked at beforehand by several at once, one after the other", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const looks = await Promise.all([1, 2, 3].map(() => world.service.validateMigration(tenant, "notes", "2.3.0")));
      expect(looks.map(({ isValid }) => isValid)).toEqual([true, true, true]);
    });

    test("are, after the move, gone back from to the copy of before, with a yes for what was written", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const before = await world.stateOf(tenant);
      await world.service.migrateTenant(tenant, "notes", "2.2.0");
      await world.inTenant(tenant, "insert into notes (kind, rest) values ('more', '51')");
      await world.inTenant(tenant, "update notes set kind = 'other' where id = 5");
      await expect(world.service.rollbackTenant(tenant, "notes")).rejects.toMatchObject({
        code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
        message: expect.stringContaining("notes: 1 inserted, 1 updated."),
      });
      await world.service.rollbackTenant(tenant, "notes", undefined, { acceptDataLoss: true });
      expect(await world.stateOf(tenant)).toEqual(before);
    });

    test("serve side by side, each seeing what the other writes, and go back with every write kept", async () => {
      const tenant = await world.tenantAt("2.0.0");
      const { structure } = (await world.stateOf(tenant)) as { structure: string };
      const joined = await world.service.enableSideBySideVersions(tenant, "notes", "2.2.0");
      expect(joined).toMatch(/^ins_/);
      await world.service.updateTrafficSplit(tenant, "notes", { "2.0.0": 50, "2.2.0": 50 });
      await world.asVersion(tenant, "2.2.0", "insert into notes (kind, rest) values ('new', 'one')");
      await world.asVersion(tenant, "2.0.0", "insert into notes (content) values ('old two')");
      expect(await world.asVersion(tenant, "2.0.0", "select content from notes where id > 50 order by id")).toEqual([
        { content: "new one" },
        { content: "old two" },
      ]);
      expect(await world.asVersion(tenant, "2.2.0", "select kind, rest from notes where id > 50 order by id")).toEqual([
        { kind: "new", rest: "one" },
        { kind: "old", rest: "two" },
      ]);
      const back = await world.service.rollbackTenant(tenant, "notes");
      expect(back).toMatchObject({ kind: "rollback", status: "succeeded" });
      expect(namesOf(back)).not.toContain("hold");
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "2.0.0",
        traffic: { "2.0.0": 100 },
      });
      expect(await world.inTenant(tenant, "select content from notes where id > 50 order by id")).toEqual([
        { content: "new one" },
        { content: "old two" },
      ]);
      expect(await viewSchemas(tenant)).toEqual([]);
      expect(((await world.stateOf(tenant)) as { structure: string }).structure).toBe(structure);
    });

    test("can be three, of which the oldest is completed away and the newest rolled back", async () => {
      const tenant = await world.tenantAt("2.0.0");
      await world.service.enableSideBySideVersions(tenant, "notes", "2.2.0");
      await world.service.enableSideBySideVersions(tenant, "notes", "2.3.0");
      await world.service.updateTrafficSplit(tenant, "notes", { "2.0.0": 40, "2.2.0": 30, "2.3.0": 30 });
      await world.asVersion(tenant, "2.3.0", "insert into notes (kind, rest, colour) values ('new', 51, 'red')");
      await world.asVersion(tenant, "2.0.0", "insert into notes (content) values ('old 52')");
      await expect(
        world.asVersion(tenant, "2.0.0", "insert into notes (content) values ('no number')"),
      ).rejects.toThrow("invalid input syntax for type integer");
      await world.service.completeMigration(tenant, "notes", "2.2.0");
      expect((await world.service.getTenantModule(tenant, "notes")).traffic).toEqual({ "2.2.0": 70, "2.3.0": 30 });
      const back = await world.service.rollbackTenant(tenant, "notes");
      expect(back.result).toMatchObject({ discarded: [{ table: "notes", column: "colour", rows: 1 }] });
      expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
        dataVersion: "2.2.0",
        traffic: { "2.2.0": 100 },
      });
      expect(await world.inTenant(tenant, "select kind, rest from notes where id > 50 order by id")).toEqual([
        { kind: "new", rest: "51" },
        { kind: "old", rest: "52" },
      ]);
    });

    test.each(["2.0.0", "2.2.0"])(
      "leave %s alone when a rollback point of both is restored for it",
      async (version) => {
        const tenant = await world.tenantAt("2.0.0");
        await world.service.enableSideBySideVersions(tenant, "notes", "2.2.0");
        await world.asVersion(tenant, "2.2.0", "insert into notes (kind, rest) values ('new', 'one')");
        const point = await world.service.createRollbackPoint(tenant, "notes", version, "of both");
        await world.service.completeMigration(tenant, "notes", "2.2.0");
        await world.inTenant(tenant, "insert into notes (kind, rest) values ('lost', 'later')");
        const restored = await world.service.restoreFromRollbackPoint(point.id, { acceptDataLoss: true });
        expect(restored).toMatchObject({ status: "succeeded", toVersion: version });
        expect(await world.service.getTenantModule(tenant, "notes")).toMatchObject({
          dataVersion: version,
          traffic: { [version]: 100 },
        });
        const text = version === "2.0.0" ? "content" : "kind || ' ' || rest";
        expect(await world.inTenant(tenant, `select ${text} as text from notes where id > 50`)).toEqual([
          { text: "new one" },
        ]);
        expect(await viewSchemas(tenant)).toEqual([]);
        // And on from there.
        const next = version === "2.0.0" ? "2.2.0" : "2.3.0";
        await world.inTenant(tenant, "delete from notes where id > 50");
        expect((await world.service.migrateTenant(tenant, "notes", next)).status).toBe("succeeded");
      },
    );

    test("are left as before by a row that can't be brought over, which is named", async () => {
      const tenant = await world.tenantAt("2.2.0");
      await world.inTenant(tenant, "update notes set rest = 'none' where id = 31");
      const before = await world.stateOf(tenant);
      const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "2.3.0" });
      const migration = await world.service.waitForMigration(id);
      expect(migration).toMatchObject({
        status: "rolled-back",
        failure: { step: "backfill", code: "AIBOS_CONVERSION_FAILED" },
      });
      expect(migration.failure?.message).toContain('Table "notes", row {"id": 31}');
      expect(await world.stateOf(tenant)).toEqual(before);
      expect(await viewSchemas(tenant)).toEqual([]);
      // Validation would have said so.
      expect(await world.service.validateMigration(tenant, "notes", "2.3.0")).toMatchObject({
        isValid: false,
        errors: [{ code: "AIBOS_DATA_CONVERSION_FAILS", message: expect.stringContaining('{"id": 31}') }],
      });
      expect(await world.stateOf(tenant)).toEqual(before);
    });

    test("are left as before by a version that can't serve, with what was written meanwhile kept", async () => {
      const tenant = await world.tenantAt("2.2.0");
      const before = await world.stateOf(tenant);
      const { id } = await world.service.start(tenant, "notes", { kind: "migrate", version: "3.1.0" });
      const migration = await world.service.waitForMigration(id);
      expect(migration).toMatchObject({
        status: "rolled-back",
        failure: { step: "probe", code: "AIBOS_TENANT_UNHEALTHY" },
      });
      expect(await world.stateOf(tenant)).toEqual(before);
    });
  });
}
