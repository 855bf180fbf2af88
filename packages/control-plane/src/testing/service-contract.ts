import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Migration, MultiVersionService } from "@aibos/contract";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { fingerprintSchema } from "@aibos/tenant-data";
import { NOTES_VERSIONS, notesArchive, packFiles } from "./notes-module.ts";

/** A running implementation of the service. */
export interface ServiceUnderTest {
  readonly service: MultiVersionService;
  stop(): Promise<void>;
}

export type StartService = (options: { databaseUrl: string; dataFolder: string }) => Promise<ServiceUnderTest>;

/** What every implementation of {@link MultiVersionService} does, on a real database with real module processes. */
export function describeServiceContract(name: string, start: StartService): void {
  describe(name, () => {
    let database: TestDatabase;
    let dataFolder = "";
    let running: ServiceUnderTest;
    let service: MultiVersionService;
    let sql: pg.Client;
    let tenants = 0;

    beforeAll(async () => {
      database = await createTestDatabase();
      dataFolder = await realpath(await mkdtemp(join(tmpdir(), "aibos-service-")));
      running = await start({ databaseUrl: database.url, dataFolder });
      ({ service } = running);
      sql = new pg.Client({ connectionString: database.superuserUrl });
      await sql.connect();
      for (const version of NOTES_VERSIONS) await service.publish(await notesArchive(version));
    }, 120_000);

    afterAll(async () => {
      await running?.stop();
      await sql?.end();
      await database?.drop();
      await rm(dataFolder, { recursive: true, force: true });
    });

    /** A tenant of its own for a test, with the notes at a version. */
    async function tenantAt(version: string): Promise<string> {
      tenants += 1;
      const tenant = `t${tenants}`;
      await service.createTenant({ id: tenant });
      await service.install(tenant, "notes", version);
      return tenant;
    }

    async function inTenant(tenant: string, statement: string): Promise<unknown[]> {
      const { schema } = await service.getTenantModule(tenant, "notes");
      await sql.query("begin");
      await sql.query(`set local search_path = "${schema}"`);
      const { rows } = await sql.query<Record<string, unknown>>(statement);
      await sql.query("commit");
      return rows;
    }

    /** Everything that must be as before when an operation was undone. */
    async function stateOf(tenant: string): Promise<unknown> {
      const { operation, instances, ...facts } = await service.getTenantModule(tenant, "notes");
      const live = instances
        .filter(({ status }) => status !== "retired")
        .map(({ version, status }) => [version, status]);
      const roles = await sql.query(
        `select m.rolname from aibos.tenant_modules tm join pg_roles r on r.rolname = tm.role_name
         join pg_auth_members a on a.roleid = r.oid join pg_roles m on m.oid = a.member
         where tm.tenant = $1 and m.rolcanlogin order by 1`,
        [tenant],
      );
      const holds = await sql.query("select from aibos.route_holds where tenant = $1", [tenant]);
      const { structure, data } = await fingerprintSchema(sql, facts.schema);
      return { ...facts, operation, live, roles: roles.rows, holds: holds.rowCount, structure, data };
    }

    const stepsOf = ({ steps }: Migration): string[] => steps.map((step) => `${step.name} ${step.status}`);

    describe("modules", () => {
      test("the same content again changes nothing; other content under a published version is refused", async () => {
        expect(await service.publish(await notesArchive("1.0.0"))).toMatchObject({ version: "1.0.0", created: false });
        const manifest = 'id: notes\nversion: "1.0.0"\ntitle: Other\nruntime: { command: [node, x.mjs] }\n';
        await expect(service.publish(await packFiles({ "aibos.module.yaml": manifest }))).rejects.toMatchObject({
          code: "AIBOS_VERSION_EXISTS",
          message: expect.stringContaining("A published version never changes: give this content a new version."),
        });
      });

      test("a bad manifest is refused with the line", async () => {
        const manifest = 'id: notes\nversion: "9.0.0"\ntitle: Notes\nruntime:\n  comand: [node, x.mjs]\n';
        await expect(service.publish(await packFiles({ "aibos.module.yaml": manifest }))).rejects.toMatchObject({
          code: "AIBOS_MANIFEST_INVALID",
          message: expect.stringMatching(/5:\d+ runtime\.comand/),
        });
      });

      test("lists are paged, newest version first", async () => {
        expect((await service.listModules()).items).toMatchObject([
          { id: "notes", latestVersion: "3.0.0", versions: 5 },
        ]);
        const first = await service.listVersions("notes", { limit: 2 });
        expect(first.items.map(({ version }) => version)).toEqual(["3.0.0", "2.1.0"]);
        const second = await service.listVersions("notes", { limit: 2, cursor: first.nextCursor ?? "" });
        expect(second.items.map(({ version }) => version)).toEqual(["2.0.0", "1.1.0"]);
      });

      test("the path between two versions is told, and why there is none", async () => {
        expect(await service.getMigrationPath("1.0.0", "2.1.0", "notes")).toEqual(["1.0.0", "1.1.0", "2.0.0", "2.1.0"]);
        await expect(service.getMigrationPath("2.1.0", "3.0.0", "notes")).rejects.toMatchObject({
          code: "AIBOS_NO_UPGRADE_PATH",
          message: expect.stringContaining("3.0.0 accepts 2.0.0"),
        });
        await expect(service.getMigrationPath("2.0.0", "1.0.0", "notes")).rejects.toMatchObject({
          message: expect.stringContaining("roll back"),
        });
      });

      test.each([
        ["module", () => service.listVersions("crm"), "AIBOS_MODULE_NOT_FOUND", /No version of module "crm"/],
        [
          "version",
          () => service.getVersion("notes", "9.9.9"),
          "AIBOS_VERSION_NOT_FOUND",
          /Published: 3\.0\.0|Published:/,
        ],
        [
          "identifier",
          () => service.getTenant("A B"),
          "AIBOS_INVALID_REQUEST",
          /"A B" is not a valid tenant identifier/,
        ],
      ])("an unknown or unusable %s is told", async (_, work, code, message) => {
        await expect(work()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
      });
    });

    describe("tenants", () => {
      test("are created once, labelled and listed by label", async () => {
        await service.createTenant({ id: "labelled", title: "Labelled", labels: { region: "eu", tier: "gold" } });
        await expect(service.createTenant({ id: "labelled" })).rejects.toMatchObject({ code: "AIBOS_TENANT_EXISTS" });
        await service.labelTenant("labelled", { tier: null, owner: "ada" });
        const { items } = await service.listTenants({ label: "owner=ada" });
        expect(items).toMatchObject([{ id: "labelled", title: "Labelled", labels: { region: "eu", owner: "ada" } }]);
      });

      test("an unknown tenant is told by every operation", async () => {
        const refusal = { code: "AIBOS_TENANT_NOT_FOUND", message: expect.stringContaining('no tenant "nobody"') };
        await expect(service.getTenant("nobody")).rejects.toMatchObject(refusal);
        await expect(service.install("nobody", "notes", "1.0.0")).rejects.toMatchObject(refusal);
        await expect(service.migrateTenant("nobody", "notes", "1.1.0")).rejects.toMatchObject(refusal);
      });

      test("a module is installed once, into a schema of its own", async () => {
        const tenant = await tenantAt("1.1.0");
        expect(await service.getTenantModule(tenant, "notes")).toMatchObject({
          dataVersion: "1.1.0",
          traffic: { "1.1.0": 100 },
          operation: null,
          instances: [{ version: "1.1.0", status: "active", traffic: 100 }],
        });
        expect(await inTenant(tenant, "select count(*)::int as count from notes where not starred")).toEqual([
          { count: 50 },
        ]);
        await expect(service.install(tenant, "notes", "1.1.0")).rejects.toMatchObject({
          code: "AIBOS_ALREADY_INSTALLED",
        });
        await expect(service.install(tenant, "crm", "1.0.0")).rejects.toMatchObject({ code: "AIBOS_MODULE_NOT_FOUND" });
      });

      test("a module that is not installed can't be migrated, and an install that fails leaves nothing behind", async () => {
        await service.createTenant({ id: "bare" });
        await expect(service.migrateTenant("bare", "notes", "1.1.0")).rejects.toMatchObject({
          code: "AIBOS_MODULE_NOT_INSTALLED",
          message: expect.stringContaining("aibos-versions install -t bare -m notes"),
        });
        await expect(service.install("bare", "notes", "2.1.0")).rejects.toMatchObject({
          code: "AIBOS_MIGRATION_FAILED",
          message: expect.stringMatching(/004_length\.up\.sql.*division by zero.*put back/s),
        });
        expect((await service.listTenantModules("bare")).items).toEqual([]);
        expect((await sql.query("select from pg_namespace where nspname like '%bare%'")).rowCount).toBe(0);
        expect(await service.install("bare", "notes", "1.0.0")).toMatch(/^ins_/);
      });
    });

    describe("side by side", () => {
      test("a second version joins without traffic, gets some, and takes over", async () => {
        const tenant = await tenantAt("1.0.0");
        const before = await inTenant(tenant, "select * from notes order by id");
        await service.enableSideBySideVersions(tenant, "notes", "1.1.0");
        expect((await service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 100, "1.1.0": 0 });
        await expect(service.updateTrafficSplit(tenant, "notes", { "1.0.0": 80, "1.1.0": 30 })).rejects.toMatchObject({
          code: "AIBOS_INVALID_TRAFFIC_SPLIT",
        });
        await expect(service.updateTrafficSplit(tenant, "notes", { "1.0.0": 80, "2.0.0": 20 })).rejects.toMatchObject({
          code: "AIBOS_VERSION_NOT_LIVE",
        });
        const routing = await service.updateTrafficSplit(tenant, "notes", { "1.0.0": 80, "1.1.0": 20 });
        expect(routing).toMatchObject({ traffic: { "1.0.0": 80, "1.1.0": 20 }, acknowledged: true });
        const versions = { oldVersion: "1.0.0", newVersion: "1.1.0" };
        const gradual = await service.updateVersionRouting(tenant, "notes", { ...versions, routing: "gradual" });
        expect(gradual.traffic).toEqual({ "1.0.0": 75, "1.1.0": 25 });
        const percentage = { ...versions, routing: "percentage", trafficSplit: 60 } as const;
        expect((await service.updateVersionRouting(tenant, "notes", percentage)).traffic).toEqual({
          "1.0.0": 40,
          "1.1.0": 60,
        });

        const migration = await service.completeMigration(tenant, "notes", "1.1.0");
        expect(migration).toMatchObject({ kind: "complete", status: "succeeded" });
        const { traffic, instances } = await service.getTenantModule(tenant, "notes");
        expect(traffic).toEqual({ "1.1.0": 100 });
        expect(instances.map(({ version, status }) => [version, status])).toEqual([["1.1.0", "active"]]);
        const after = await inTenant(tenant, "select id, body from notes order by id");
        expect(after).toEqual(before);
      });

      test("of versions whose data does not fit is refused, with the way to go instead", async () => {
        const tenant = await tenantAt("1.1.0");
        const before = await stateOf(tenant);
        await expect(service.enableSideBySideVersions(tenant, "notes", "2.0.0")).rejects.toMatchObject({
          code: "AIBOS_SIDE_BY_SIDE_UNSUPPORTED",
          message: expect.stringContaining("migrate-tenant"),
        });
        expect(await stateOf(tenant)).toEqual(before);
      });

      test("is taken back by a rollback that keeps every write", async () => {
        const tenant = await tenantAt("1.0.0");
        await service.enableSideBySideVersions(tenant, "notes", "1.1.0");
        await service.updateTrafficSplit(tenant, "notes", { "1.0.0": 50, "1.1.0": 50 });
        await inTenant(tenant, "insert into notes (body) values ('written meanwhile')");
        const migration = await service.rollbackTenant(tenant, "notes");
        expect(migration).toMatchObject({ kind: "rollback", status: "succeeded" });
        expect((await service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 100 });
        expect(await inTenant(tenant, "select count(*)::int as count from notes")).toEqual([{ count: 51 }]);
      });
    });

    describe("a migration", () => {
      test("moves the data over every release on the way, and can be taken back", async () => {
        const tenant = await tenantAt("1.0.0");
        const before = await stateOf(tenant);
        const validation = await service.validateMigration(tenant, "notes", "2.0.0");
        expect(validation).toMatchObject({ isValid: true, path: ["1.0.0", "1.1.0", "2.0.0"], holdsRequests: true });
        const migration = await service.migrateTenant(tenant, "notes", "2.0.0");
        expect(migration).toMatchObject({ status: "succeeded", fromVersion: "1.0.0", toVersion: "2.0.0" });
        expect(migration.steps.every(({ status }) => status === "succeeded")).toBe(true);
        expect(await service.getTenantModule(tenant, "notes")).toMatchObject({
          dataVersion: "2.0.0",
          traffic: { "2.0.0": 100 },
        });
        expect(await inTenant(tenant, "select content from notes where id = 1")).toEqual([{ content: "note 1" }]);

        expect((await service.rollbackTenant(tenant, "notes")).status).toBe("succeeded");
        expect(await stateOf(tenant)).toEqual(before);
      });

      test("that was followed by writes is only taken back with a yes, and that itself can be undone", async () => {
        const tenant = await tenantAt("1.1.0");
        await service.migrateTenant(tenant, "notes", "2.0.0");
        await inTenant(tenant, "insert into notes (content) select 'new ' || n from generate_series(1, 3) n");
        await inTenant(tenant, "update notes set content = 'changed' where id = 1");
        await inTenant(tenant, "delete from notes where id in (2, 3)");
        const withWrites = await stateOf(tenant);
        await expect(service.rollbackTenant(tenant, "notes")).rejects.toMatchObject({
          code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
          message: expect.stringContaining("notes: 3 inserted, 1 updated, 2 deleted"),
        });
        expect(await stateOf(tenant)).toEqual(withWrites);

        const back = await service.rollbackTenant(tenant, "notes", undefined, { acceptDataLoss: true });
        expect(back.result.lostWrites).toMatchObject([{ table: "notes", inserted: 3, updated: 1, deleted: 2 }]);
        expect(await inTenant(tenant, "select body from notes where id = 1")).toEqual([{ body: "note 1" }]);

        // What was swapped out is a rollback point of its own.
        const { items } = await service.listRollbackPoints({ tenant, module: "notes" });
        const kept = items.find(({ state, version }) => state === "available" && version === "2.0.0");
        await service.restoreFromRollbackPoint(kept?.id ?? "");
        expect(await stateOf(tenant)).toEqual(withWrites);
      });

      test("that fails in the middle leaves everything exactly as before", async () => {
        const tenant = await tenantAt("1.1.0");
        const before = await stateOf(tenant);
        const { id } = await service.start(tenant, "notes", { kind: "migrate", version: "2.1.0" });
        const migration = await service.waitForMigration(id);
        expect(migration).toMatchObject({
          status: "rolled-back",
          failure: { step: "hop", code: "AIBOS_MIGRATION_SQL" },
        });
        expect(migration.failure?.message).toContain("004_length.up.sql");
        expect(stepsOf(migration)).toContain("rollback-point undone");
        expect(await stateOf(tenant)).toEqual(before);
        await expect(service.migrateTenant(tenant, "notes", "2.1.0")).rejects.toMatchObject({
          code: "AIBOS_MIGRATION_FAILED",
          message: expect.stringContaining("Everything was put back as it was before."),
        });
      });

      test("to a version that can't serve the tenant's data is put back", async () => {
        const tenant = await tenantAt("2.0.0");
        const before = await stateOf(tenant);
        const { id } = await service.start(tenant, "notes", { kind: "migrate", version: "3.0.0" });
        const migration = await service.waitForMigration(id);
        expect(migration).toMatchObject({
          status: "rolled-back",
          failure: { step: "probe", code: "AIBOS_TENANT_UNHEALTHY" },
        });
        expect(await stateOf(tenant)).toEqual(before);
      });

      test("that may not be undone keeps the furthest version reached", async () => {
        const tenant = await tenantAt("1.1.0");
        const options = { kind: "migrate", version: "2.1.0", rollbackOnFailure: false } as const;
        const migration = await service.waitForMigration((await service.start(tenant, "notes", options)).id);
        expect(migration).toMatchObject({ status: "failed", failure: { step: "hop" } });
        expect(await service.getTenantModule(tenant, "notes")).toMatchObject({
          dataVersion: "2.0.0",
          traffic: { "2.0.0": 100 },
          operation: null,
        });
        expect((await service.performHealthCheck(tenant, "notes")).status).not.toBe("unhealthy");
      });

      test("with a place to go back to goes there after a failure", async () => {
        const tenant = await tenantAt("1.0.0");
        await service.migrateTenant(tenant, "notes", "2.0.0");
        const options = { kind: "migrate", version: "2.1.0", rollbackVersion: "1.0.0" } as const;
        await service.waitForMigration((await service.start(tenant, "notes", options)).id);
        await expect.poll(async () => (await service.getTenantModule(tenant, "notes")).dataVersion).toBe("1.0.0");
        await expect.poll(async () => (await service.getTenantModule(tenant, "notes")).operation).toBeNull();
        expect((await service.getTenantModule(tenant, "notes")).traffic).toEqual({ "1.0.0": 100 });
      });

      test("waits for its time", async () => {
        const tenant = await tenantAt("1.0.0");
        const scheduledTime = new Date(Date.now() + 1_500).toISOString();
        const scheduled = await service.migrateTenant(tenant, "notes", "1.1.0", { scheduledTime });
        expect(scheduled).toMatchObject({ status: "scheduled", finishedAt: null });
        expect((await service.getTenantModule(tenant, "notes")).dataVersion).toBe("1.0.0");
        const migration = await service.waitForMigration(scheduled.id);
        expect(migration.status).toBe("succeeded");
        expect(Date.parse(migration.steps[0]?.startedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(scheduledTime));
      });

      test("without a path, or to where the tenant is, is refused before anything happens", async () => {
        const tenant = await tenantAt("1.0.0");
        const before = await stateOf(tenant);
        await expect(service.migrateTenant(tenant, "notes", "1.0.0")).rejects.toMatchObject({
          code: "AIBOS_ALREADY_ON_VERSION",
        });
        const ahead = await tenantAt("2.0.0");
        const backwards = await service.validateMigration(ahead, "notes", "1.1.0");
        expect(backwards).toMatchObject({ isValid: false, errors: [{ code: "AIBOS_NO_UPGRADE_PATH" }] });
        await expect(service.migrateTenant(ahead, "notes", "1.1.0")).rejects.toMatchObject({
          message: expect.stringContaining("upgrades lead forward only"),
        });
        expect(await stateOf(tenant)).toEqual(before);
      });

      test("keeps every other operation of the tenant and module away, which are told its name", async () => {
        const tenant = await tenantAt("1.0.0");
        const starts = await Promise.allSettled(
          ["1.1.0", "2.0.0", "1.1.0", "2.0.0"].map((version) =>
            service.start(tenant, "notes", { kind: "migrate", version }),
          ),
        );
        const started = starts.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
        const refused = starts.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
        expect(started).toHaveLength(1);
        const id = started[0]?.id ?? "";
        for (const error of refused) {
          expect(error).toMatchObject({ code: "AIBOS_OPERATION_IN_PROGRESS", message: expect.stringContaining(id) });
        }
        const split = service.updateTrafficSplit(tenant, "notes", { "1.0.0": 100 });
        await expect(split).rejects.toMatchObject({ code: "AIBOS_OPERATION_IN_PROGRESS" });
        expect((await service.waitForMigration(id)).status).toBe("succeeded");
      });

      test("can be watched from its first step to its end", async () => {
        const tenant = await tenantAt("1.0.0");
        const { id } = await service.start(tenant, "notes", { kind: "migrate", version: "1.1.0" });
        const seen: Migration[] = [];
        for await (const migration of service.watchMigration(id)) seen.push(migration);
        expect(seen.at(-1)).toMatchObject({ status: "succeeded" });
        expect(seen.length).toBeGreaterThan(2);
        expect((await service.listMigrations({ tenant, module: "notes" })).items.map((item) => item.id)).toContain(id);
        await expect(service.getMigration("mig_unknown")).rejects.toMatchObject({ code: "AIBOS_MIGRATION_NOT_FOUND" });
      });
    });

    describe("a rollback point", () => {
      test("is a true copy that can be gone back to, once", async () => {
        const tenant = await tenantAt("1.1.0");
        const before = await stateOf(tenant);
        const point = await service.createRollbackPoint(tenant, "notes", "1.1.0", "before an experiment");
        expect(point).toMatchObject({ state: "available", version: "1.1.0", reason: "before an experiment" });
        await inTenant(tenant, "delete from notes where id <= 10");
        await inTenant(tenant, "alter table notes add column extra text");
        await expect(service.restoreFromRollbackPoint(point.id)).rejects.toMatchObject({
          code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
          message: expect.stringContaining("10 deleted"),
        });
        const restored = await service.restoreFromRollbackPoint(point.id, { acceptDataLoss: true });
        expect(restored).toMatchObject({ kind: "restore", status: "succeeded" });
        expect(await stateOf(tenant)).toEqual(before);
        await expect(service.restoreFromRollbackPoint(point.id)).rejects.toMatchObject({
          code: "AIBOS_ROLLBACK_POINT_NOT_FOUND",
          message: expect.stringContaining("was restored and can't be used again"),
        });
        await expect(service.restoreFromRollbackPoint("rp_unknown")).rejects.toMatchObject({
          code: "AIBOS_ROLLBACK_POINT_NOT_FOUND",
        });
      });

      test("that fails to be taken is refused for a version that is not live", async () => {
        const tenant = await tenantAt("1.1.0");
        await expect(service.createRollbackPoint(tenant, "notes", "2.0.0", "x")).rejects.toMatchObject({
          code: "AIBOS_VERSION_NOT_LIVE",
        });
      });

      test("of the past is there only where something was done", async () => {
        const tenant = await tenantAt("1.0.0");
        await expect(service.rollbackTenant(tenant, "notes")).rejects.toMatchObject({
          code: "AIBOS_ROLLBACK_UNAVAILABLE",
        });
      });
    });

    test("the health check tells a healthy tenant from one whose tables were changed by hand", async () => {
      const tenant = await tenantAt("1.1.0");
      // Nobody runs a gateway here, which the check says and which does not make the tenant unhealthy.
      const healthy = await service.performHealthCheck(tenant, "notes");
      expect(healthy).toMatchObject({ status: "degraded", issues: [expect.stringContaining("No gateway")] });
      await inTenant(tenant, "update aibos_migrations set checksum = 'changed' where number = 1");
      const { status, issues } = await service.performHealthCheck(tenant, "notes");
      expect(status).toBe("unhealthy");
      expect(issues.join(" ")).toContain("001_notes");
    });

    test("the status counts tenants and names the control planes", async () => {
      const { tenants: count, controlPlanes } = await service.getStatus();
      expect(count).toBeGreaterThan(0);
      expect(controlPlanes).toMatchObject([{ live: true }]);
    });
  });
}
