import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FleetMember, MultiVersionService } from "@aibos/contract";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { createMultiVersionService } from "../../index.ts";
import { fingerprintsOf, PLANTED as FAILURES, plantFleet, publishBooks } from "./testing/planted-fleet.ts";

// Dozens of real migrations, however busy the machine is.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

/** A process that never answers takes its time; the long form of this test has one (npm run test:fleet). */
const PLANTED = FAILURES.filter((tenant) => tenant !== "mute");
const TENANTS = 14;

let database: TestDatabase;
let folder: string;
let sql: pg.Client;
let running: Awaited<ReturnType<typeof createMultiVersionService>>;
let service: MultiVersionService;
let tenants: string[];
let before: Record<string, unknown>;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-fleet-")));
  sql = new pg.Client({ connectionString: database.superuserUrl });
  await sql.connect();
  running = await createMultiVersionService({ databaseUrl: database.url, dataFolder: folder });
  ({ service } = running);
  await publishBooks(service);
  tenants = await plantFleet(service, sql, TENANTS, { planted: PLANTED });
  before = await fingerprintsOf(sql, tenants);
});
afterAll(async () => {
  await running.stop();
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function membersOf(id: string): Promise<FleetMember[]> {
  return (await service.listFleetMembers(id)).items;
}
const versionsOf = async (): Promise<Record<string, number>> => {
  const found = await sql.query<{ version: string; count: number }>(
    "select version, count(*)::int as count from aibos.tenant_module_instances where module = 'books' and status <> 'retired' group by 1",
  );
  return Object.fromEntries(found.rows.map(({ version, count }) => [version, count]));
};

describe("a fleet upgrade", () => {
  test("tells who would go when and who can't, and changes nothing", async () => {
    await service.labelTenant("t003", { canary: "true" });
    await service.setUpgradePolicy("t004", "books", { automatic: "minor" });
    const plan = await service.planFleetUpgrade("books", "2.0.0", {
      batchSize: 8,
      excludeTenants: [{ tenant: "t005", reason: "moves next week" }],
    });
    expect(plan).toMatchObject({ tenants: TENANTS, goes: TENANTS - 2, later: 0, skipped: 2 });
    expect(plan.waves.map(({ name, tenants }) => [name, tenants])).toEqual([
      ["canary", 1],
      ["10 %", 1],
      ["rest", TENANTS - 3],
    ]);
    expect(plan.members[0]).toMatchObject({ tenant: "t003", batch: 1, status: "waiting" });
    expect(plan.members.filter(({ status }) => status === "skipped")).toEqual([
      expect.objectContaining({
        tenant: "t004",
        code: "consent-needed",
        reason: "the tenant must agree to a major change",
      }),
      expect.objectContaining({ tenant: "t005", code: "excluded", reason: "moves next week" }),
    ]);
    expect((await service.listFleetUpgrades()).items).toEqual([]);
    await service.setUpgradePolicy("t004", "books", {});
  });

  test("halts above its limit of failures, quarantines the version, and takes all back to the byte", async () => {
    const started = await service.startFleetUpgrade("books", "2.0.0", { batchSize: 5, maxFailures: 2 });
    await expect(service.startFleetUpgrade("books", "2.0.0")).rejects.toMatchObject({
      code: "AIBOS_FLEET_UPGRADE_ACTIVE",
      message: expect.stringContaining(started.id),
    });
    const halted = await service.waitForFleetUpgrade(started.id);
    expect(halted).toMatchObject({ status: "halted", reason: "Halted: 3 failed, and 2 may." });
    await expect(service.migrateTenant("t001", "books", "2.0.0")).rejects.toMatchObject({
      code: expect.stringMatching(/AIBOS_VERSION_QUARANTINED|AIBOS_ALREADY_ON_VERSION/),
    });
    expect((await service.listQuarantinedVersions()).items).toEqual([
      expect.objectContaining({ module: "books", version: "2.0.0", fleetUpgradeId: started.id }),
    ]);
    await service.rollbackFleetUpgrade(started.id);
    const back = await service.waitForFleetUpgrade(started.id);
    expect(back).toMatchObject({ status: "rolled-back", reason: "All that could be taken back was." });
    expect(back.counts["returned"]).toBeGreaterThan(0);
    expect(back.counts).not.toHaveProperty("moved");
    const returned = (await membersOf(started.id)).filter(({ status }) => status === "returned");
    expect(returned.every(({ returnMigrationId }) => returnMigrationId?.startsWith("mig_") === true)).toBe(true);
    expect(await versionsOf()).toEqual({ "1.0.0": TENANTS });
    expect(await fingerprintsOf(sql, tenants)).toEqual(before);
    await expect(service.startFleetUpgrade("books", "2.0.0")).rejects.toMatchObject({
      code: "AIBOS_VERSION_QUARANTINED",
    });
    await service.releaseVersion("books", "2.0.0");
  });

  test("moves all but those that fail, which stay as they were and say why", async () => {
    const migrations = await service.forceUpgradeAll("books", "2.0.0", {
      batchSize: 6,
      maxFailures: 5,
      concurrency: 4,
    });
    const [fleet] = (await service.listFleetUpgrades({ module: "books" })).items;
    expect(fleet).toMatchObject({
      status: "done",
      tenants: TENANTS,
      counts: { moved: TENANTS - 4, failed: 4 },
      reason: "Every tenant is settled.",
    });
    // What speaks against a tenant before anything is begun makes no migration.
    expect(migrations.filter(({ status }) => status === "succeeded")).toHaveLength(TENANTS - 4);
    expect(new Set(migrations.map(({ tenant }) => tenant)).size).toBe(migrations.length);
    const failed = (await service.listFleetMembers(fleet?.id ?? "", { status: "failed" })).items;
    expect(Object.fromEntries(failed.map(({ tenant, code }) => [tenant, code]))).toEqual({
      odd: "AIBOS_CONVERSION_FAILED",
      own: "AIBOS_CUSTOM_FIELD_CONFLICT",
      sick: "AIBOS_TENANT_UNHEALTHY",
      tied: "AIBOS_DEPENDENCY_UNMET",
    });
    expect(failed.every(({ reason }) => (reason ?? "").length > 20)).toBe(true);
    expect(await versionsOf()).toEqual({ "1.0.0": 4, "2.0.0": TENANTS - 4 });
    const unchanged = await fingerprintsOf(sql, PLANTED);
    expect(unchanged).toEqual(Object.fromEntries(PLANTED.map((tenant) => [tenant, before[tenant]])));
  });
});
