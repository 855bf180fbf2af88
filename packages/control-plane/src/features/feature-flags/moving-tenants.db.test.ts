import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FeatureFlags, Migration, MultiVersionService } from "@aibos/contract";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { createMultiVersionService } from "../../index.ts";
import { KIOSK_VERSIONS, kioskArchive } from "./testing/kiosk-module.ts";

// A tenant with values of flags that releases rename, retype and remove: real migrations with real processes.

let database: TestDatabase;
let folder: string;
let running: { service: MultiVersionService; stop(): Promise<void> };
let service: MultiVersionService;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-kiosk-")));
  running = await createMultiVersionService({ databaseUrl: database.url, dataFolder: folder });
  service = running.service;
  for (const version of KIOSK_VERSIONS) await service.publish(await kioskArchive(version));
}, 120_000);
afterAll(async () => {
  await running.stop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const OWN = {
  new_ui: false,
  old_name: true,
  page_size: 50,
  limit: "none left",
  look: "dark",
  rows: { most: 80 },
  retired_soon: true,
};

async function installed(tenant: string): Promise<string> {
  await service.createTenant({ id: tenant });
  await service.install(tenant, "kiosk", "1.0.0");
  await service.updateFeatureFlags(tenant, "kiosk", OWN);
  await service.updateFeatureFlags(tenant, "kiosk", { old_name: false }, { user: "ann" });
  return tenant;
}

const valuesOf = ({ items }: FeatureFlags): Record<string, unknown> =>
  Object.fromEntries(items.map(({ key, result }) => [key, result?.value]));
const flagsOf = (tenant: string): Promise<FeatureFlags> => service.listFeatureFlags(tenant, "kiosk");
const annsName = async (tenant: string, flag: string): Promise<unknown> =>
  (await service.checkFeatureFlag(tenant, "kiosk", flag, { user: "ann" })).value;
const reportOf = ({ steps }: Migration): unknown => steps.find(({ name }) => name === "carry-flags")?.detail;

test("a move takes values along over two renames, converts them, tells of conflicts; going back gives all back", async () => {
  const tenant = await installed("acme");
  const before = await flagsOf(tenant);
  expect(valuesOf(before)).toEqual(OWN);

  const moved = await service.migrateTenant(tenant, "kiosk", "2.0.0");
  expect(moved).toMatchObject({ status: "succeeded", path: ["1.0.0", "1.1.0", "2.0.0"] });
  expect(reportOf(moved)).toMatchObject({
    kept: 2,
    renamed: ["old_name → new_name", "old_name → new_name (user ann)"],
    converted: ["page_size → page_size"],
    conflicts: [{ flag: "limit" }, { flag: "retired_soon" }, { flag: "rows" }],
  });
  const after = await flagsOf(tenant);
  expect(valuesOf(after)).toEqual({
    new_ui: false,
    new_name: true,
    page_size: "50",
    look: "dark",
    // What did not come along is as the version has it.
    limit: 0,
    rows: { most: 10 },
  });
  expect(await annsName(tenant, "new_name")).toBe(false);
  expect(after.conflicts).toMatchObject([
    { flag: "limit", setting: { value: "none left" }, reason: expect.stringContaining("a whole number") },
    { flag: "retired_soon", setting: { value: true }, reason: expect.stringContaining("not declared") },
    { flag: "rows", setting: { value: { most: 80 } }, reason: expect.stringContaining("50") },
  ]);

  // What is set meanwhile is the new version's.
  await service.updateFeatureFlags(tenant, "kiosk", { page_size: "99", new_name: false, limit: 3 });
  expect((await service.rollbackTenant(tenant, "kiosk")).status).toBe("succeeded");
  expect(await flagsOf(tenant)).toEqual(before);
  expect(await annsName(tenant, "old_name")).toBe(false);

  // Up again: carried anew, from what the tenant has now.
  await service.updateFeatureFlags(tenant, "kiosk", { page_size: 60, limit: "7" });
  await service.migrateTenant(tenant, "kiosk", "2.0.0");
  const again = await flagsOf(tenant);
  expect(valuesOf(again)).toMatchObject({ page_size: "60", limit: 7, new_name: true });
  expect(again.conflicts.map(({ flag }) => flag)).toEqual(["retired_soon", "rows"]);
}, 120_000);

test("a move that fails after values were taken along leaves no trace of them", async () => {
  const tenant = await installed("globex");
  const before = await flagsOf(tenant);
  const { id } = await service.start(tenant, "kiosk", { kind: "migrate", version: "3.0.0" });
  const failed = await service.waitForMigration(id);
  expect(failed).toMatchObject({ status: "rolled-back", failure: { step: "probe" } });
  expect(failed.steps.find(({ name }) => name === "carry-flags")?.status).toBe("undone");
  expect(await flagsOf(tenant)).toEqual(before);
  const { items } = await service.getFlagHistory("kiosk", "new_name", { tenant });
  expect(items.map(({ kind }) => kind)).toEqual(["give-back", "carry"]);
}, 120_000);

test("two versions side by side have values of their own; a change must fit both and leaves with the one that leaves", async () => {
  const tenant = await installed("initech");
  await service.enableSideBySideVersions(tenant, "kiosk", "2.0.0");
  const at = async (version: string): Promise<Record<string, unknown>> =>
    valuesOf(await service.listFeatureFlags(tenant, "kiosk", { version }));
  expect(await at("1.0.0")).toEqual(OWN);
  expect(await at("2.0.0")).toMatchObject({ new_name: true, page_size: "50" });
  const unfit = service.updateFeatureFlags(tenant, "kiosk", { page_size: 30 });
  await expect(unfit).rejects.toMatchObject({ code: "AIBOS_FLAGS_INVALID" });
  await service.updateFeatureFlags(tenant, "kiosk", { new_ui: true });
  expect([(await at("1.0.0"))["new_ui"], (await at("2.0.0"))["new_ui"]]).toEqual([true, true]);
  await service.rollbackTenant(tenant, "kiosk");
  expect(await at("1.0.0")).toEqual({ ...OWN, new_ui: true });
}, 120_000);
