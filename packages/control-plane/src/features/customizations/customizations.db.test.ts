import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MultiVersionService } from "@aibos/contract";
import { parseVersion } from "@aibos/domain";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { type ControlDatabase, openControlDatabase } from "../../db/control-database.ts";
import { createMultiVersionService } from "../../index.ts";
import { seedTenantModule } from "../../testing/test-catalog.ts";
import { SHOP_VERSIONS, shopArchive } from "./testing/shop-module.ts";

let test: TestDatabase;
let database: ControlDatabase;
let folder: string;
let running: { service: MultiVersionService; stop(): Promise<void> };
let service: MultiVersionService;

beforeAll(async () => {
  test = await createTestDatabase();
  folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-custom-")));
  running = await createMultiVersionService({ databaseUrl: test.url, dataFolder: folder });
  service = running.service;
  database = openControlDatabase(test.url, "test", 2);
  for (const version of SHOP_VERSIONS) await service.publish(await shopArchive(version));
}, 240_000);

afterAll(async () => {
  await database.close();
  await running.stop();
  await test.drop();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

const MINE = {
  settings: "# We give more time\ndays: 90 # as agreed\nsender: us\nsteps:\n  - id: check\n    by: Ann\n  - id: send\n",
  mail: "Hi there,\n\nyour order is on its way.\n\nCheers\n",
  "on-order": '{ "url": "https://example.com/orders" }\n',
};

async function customize(tenant: string): Promise<void> {
  for (const [name, content] of Object.entries(MINE)) {
    await service.setCustomization(tenant, "shop", name, { content, author: "ann" });
  }
}

async function contentsOf(tenant: string): Promise<Record<string, string>> {
  const all = await service.listCustomizations(tenant, "shop");
  return Object.fromEntries(all.map(({ name, content }) => [name, content]));
}

async function installed(tenant: string): Promise<string> {
  await service.createTenant({ id: tenant });
  await service.install(tenant, "shop", "1.0.0");
  return tenant;
}

describe("a release", () => {
  it("whose default is not valid, is missing or is hostile can't be published", async () => {
    const bad = async (files: Record<string, string>) => {
      const manifest = { "aibos.module.yaml": (await manifestOf()).replaceAll('"1.0.0"', '"9.0.0"') };
      return service.publish(await shopArchive("1.0.0", { ...manifest, ...files }));
    };
    await expect(bad({ "customizable/settings.yaml": "days: none\n" })).rejects.toMatchObject({
      code: "AIBOS_CUSTOMIZATION_INVALID",
    });
    await expect(bad({ "customizable/settings.yaml": "a: &a [*a]\n" })).rejects.toMatchObject({
      code: "AIBOS_DOCUMENT_REFUSED",
    });
    await expect(bad({ "customizable/settings.schema.yaml": "type: nothing\n" })).rejects.toMatchObject({
      code: "AIBOS_DOCUMENT_SCHEMA",
    });
  });

  async function manifestOf(): Promise<string> {
    const { readArchiveTexts } = await import("../../artifacts/read-archive-texts.ts");
    const texts = await readArchiveTexts(await shopArchive("1.0.0"), new Set(["aibos.module.yaml"]));
    return texts.get("aibos.module.yaml") ?? "";
  }
});

describe("editing", () => {
  it("is checked, versioned and can be taken back", async () => {
    await seedTenantModule(database, { tenant: "editor", module: "shop", weights: { "1.0.0": 10_000 } });
    const set = (content: string | null) =>
      service.setCustomization("editor", "shop", "settings", { content, author: "bob" });
    await expect(set("days: 400\n")).rejects.toMatchObject({ code: "AIBOS_CUSTOMIZATION_INVALID" });
    await expect(set("a: {__proto__: 1}\n")).rejects.toMatchObject({ code: "AIBOS_DOCUMENT_REFUSED" });
    await expect(service.getCustomization("editor", "shop", "nothing")).rejects.toMatchObject({
      code: "AIBOS_CUSTOMIZABLE_NOT_FOUND",
    });
    expect(await set("days: 30\nsteps: []\n")).toMatchObject({ customized: true, author: "bob", version: "1.0.0" });
    await set("days: 31\nsteps: []\n");
    expect(await set(null)).toMatchObject({ customized: false });
    const history = await service.listCustomizationHistory("editor", "shop", "settings");
    expect(history.map(({ origin, author }) => [origin, author])).toEqual([
      ["reset", "bob"],
      ["edit", "bob"],
      ["edit", "bob"],
    ]);
    expect(history[1]?.diff).toContain("-days: 30\n+days: 31\n");
    expect(history[2]?.base).toContain("days: 14");
    const again = await service.reapplyCustomization("editor", "shop", "settings", { entry: history[1]?.id ?? "" });
    expect(again).toMatchObject({ origin: "reapply", content: "days: 31\nsteps: []\n" });
  });
});

describe("a tenant that customised a document, a text and a hook, over three hops", () => {
  it("is asked once a conflict, for all; goes back to the byte, and up again without a question", async () => {
    const tenant = await installed("acme");
    await customize(tenant);
    for (let index = 0; index < 30; index += 1) {
      const other = `like-acme-${index}`;
      await seedTenantModule(database, { tenant: other, module: "shop", weights: { "1.0.0": 10_000 } });
      await customize(other);
    }
    await database.db
      .updateTable("tenant_modules")
      .set({ data_version: parseVersion("1.0.0") })
      .where("data_version", "is", null)
      .execute();
    const before = await contentsOf(tenant);
    expect(before).toEqual(MINE);

    // Each kind is told beforehand, and blocks this tenant only.
    const found = await service.validateMigration(tenant, "shop", "2.0.0");
    expect([found.isValid, found.errors.map(({ code }) => code)]).toEqual([
      false,
      ["AIBOS_CUSTOMIZATION_CONFLICT", "AIBOS_CUSTOMIZATION_CONFLICT", "AIBOS_CUSTOMIZATION_CONFLICT"],
    ]);
    await expect(service.migrateTenant(tenant, "shop", "2.0.0")).rejects.toMatchObject({
      code: "AIBOS_CUSTOMIZATION_CONFLICT",
    });

    const rehearsed = await service.rehearseMigration(tenant, "shop", "2.0.0");
    expect(rehearsed).toMatchObject({ passed: false, failure: null });
    expect(rehearsed.conflicts.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      "customisation mail",
      "customisation on-order",
      "customisation settings",
    ]);

    // The first ones are of the first hops; what comes after them depends on what is decided.
    const decided: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { conflicts } = await service.customizationImpact("shop", "1.0.0", "2.0.0");
      for (const { id, kind, name, path, tenants } of conflicts) {
        decided.push(`${name}${path} ${kind} of ${tenants}`);
        const byHand = { take: "value" as const, value: "Hi {{name}},\n" };
        const resolution =
          kind === "text"
            ? byHand
            : kind === "schema"
              ? { take: "value" as const, value: 60 }
              : { take: "tenant" as const };
        await service.resolveConflict("shop", { conflict: id, author: "carol", ...resolution });
      }
      if (conflicts.length === 0) break;
    }
    expect(decided.sort()).toEqual([
      "mail/line 1 text of 31",
      "on-order hook-payload of 31",
      // Who edited in the test before.
      "settings/days change of 1",
      "settings/days change of 31",
      "settings/days schema of 31",
    ]);

    expect(await service.listConflicts("shop")).toEqual([]);
    const impact = await service.customizationImpact("shop", "1.0.0", "2.0.0");
    expect(impact).toMatchObject({ tenants: 32, clean: 32, untouched: 0, oneDecision: 0, blocked: 0, merges: 4 });
    for (const other of ["like-acme-0", "like-acme-29"]) {
      expect((await service.validateMigration(other, "shop", "2.0.0")).errors).toEqual([]);
    }

    expect(await service.rehearseMigration(tenant, "shop", "2.0.0")).toMatchObject({ passed: true, conflicts: [] });
    expect(await contentsOf(tenant)).toEqual(before);
    const upgrade = await service.migrateTenant(tenant, "shop", "2.0.0");
    expect(upgrade.steps.filter(({ name }) => name === "merge-customizations")).toHaveLength(3);
    const after = await contentsOf(tenant);
    expect(after["settings"]).toBe(
      "# We give more time\ndays: 60 # as agreed\nsteps:\n  - id: check\n    by: Ann\n  - id: pack\n  - id: send\nmail:\n  from: us\n",
    );
    expect(after["mail"]).toBe("Hi {{name}},\n\nyour order is on its way.\n\nCheers\n");
    expect(after["on-order"]).toBe(MINE["on-order"]);
    const [merged] = await service.listCustomizationHistory(tenant, "shop", "settings");
    expect(merged).toMatchObject({ origin: "merge", version: "2.0.0", migrationId: upgrade.id });
    expect(merged?.report).toContainEqual({
      path: "/days",
      outcome: "resolved",
      detail: "schema: merged by hand, decided by carol",
    });

    // An edit of the new version, a rollback, and up again.
    await service.setCustomization(tenant, "shop", "mail", { content: "New\n", author: "ann" });
    await service.rollbackTenant(tenant, "shop", undefined, { acceptDataLoss: true });
    expect(await contentsOf(tenant)).toEqual(before);
    const aside = (await service.listCustomizationHistory(tenant, "shop", "mail")).filter((entry) => entry.aside);
    expect(aside).toMatchObject([{ content: "New\n", author: "ann", version: "2.0.0" }]);
    await service.migrateTenant(tenant, "shop", "2.0.0");
    expect(await contentsOf(tenant)).toEqual(after);
    await service.reapplyCustomization(tenant, "shop", "mail", { entry: aside[0]?.id ?? "" });
    expect((await contentsOf(tenant))["mail"]).toBe("New\n");

    // What was decided can be taken back, and decided differently.
    const resolutions = await service.listResolutions("shop");
    const days = resolutions.find(({ kind }) => kind === "schema");
    await service.revokeResolution(days?.id ?? "");
    await expect(service.revokeResolution(days?.id ?? "")).rejects.toMatchObject({
      code: "AIBOS_RESOLUTION_NOT_FOUND",
    });
    await expect(service.reapplyCustomization(tenant, "shop", "settings")).rejects.toMatchObject({
      code: "AIBOS_CUSTOMIZATION_CONFLICT",
    });
    await service.resolveConflict("shop", { conflict: days?.conflict ?? "", take: "vendor", tenant });
    const reapplied = await service.reapplyCustomization(tenant, "shop", "settings", { author: "dan" });
    expect(reapplied.content).toContain("days: 21 # as agreed");
  }, 240_000);

  it("has a rollback point put its customisations back, and the later ones aside", async () => {
    const tenant = await installed("points");
    await service.setCustomization(tenant, "shop", "mail", { content: "First\n", author: "ann" });
    const point = await service.createRollbackPoint(tenant, "shop", "1.0.0", "before I write");
    await service.setCustomization(tenant, "shop", "mail", { content: "Second\n", author: "ann" });
    await service.restoreFromRollbackPoint(point.id, { acceptDataLoss: true });
    expect((await contentsOf(tenant))["mail"]).toBe("First\n");
    const history = await service.listCustomizationHistory(tenant, "shop", "mail");
    expect(history.map(({ content, aside }) => [content, aside])).toEqual([
      ["Second\n", true],
      ["First\n", false],
    ]);
  }, 120_000);

  it("moves without its customisations when it is told so, and by policy without a question", async () => {
    const tenant = await installed("policy");
    await service.setCustomization(tenant, "shop", "settings", { content: "days: 7\nsteps: []\n", author: "ann" });
    expect((await service.validateMigration(tenant, "shop", "1.1.0")).isValid).toBe(false);
    await service.setCustomizationPolicy(tenant, "shop", { "/days": "tenant" });
    expect(await service.getCustomizationPolicy(tenant, "shop")).toEqual({ "/days": "tenant" });
    await service.migrateTenant(tenant, "shop", "1.1.0");
    expect((await contentsOf(tenant))["settings"]).toContain("days: 7");
    await service.migrateTenant(tenant, "shop", "1.2.0", { preserveCustomizations: false });
    expect((await service.getCustomization(tenant, "shop", "settings")).customized).toBe(false);
  }, 120_000);
});

it("is read by the module in the tenant's transaction, and nobody else's is", async () => {
  const [acme, other] = [await installed("reads"), await installed("reads-too")];
  await service.setCustomization(acme, "shop", "mail", { content: "Mine\n", author: "ann" });
  const read = async (tenant: string, version: string): Promise<string | null> => {
    const { rows: found } = await database.pool.query<{ role_name: string }>(
      "select role_name from tenant_modules where tenant = $1",
      [tenant],
    );
    return database.transaction(async ({ client }) => {
      await client.query(`set local role "${found[0]?.role_name ?? ""}"`);
      await expect(
        client.query("savepoint s").then(() => client.query("select from aibos.customizations")),
      ).rejects.toMatchObject({ code: "42501" });
      await client.query("rollback to s");
      const { rows } = await client.query<{ content: string | null }>(
        "select aibos_customizations.content('mail', $1) as content",
        [version],
      );
      return rows[0]?.content ?? null;
    });
  };
  expect(await read(acme, "1.0.0")).toBe("Mine\n");
  expect(await read(acme, "1.2.0")).toContain("Hello {{name}}");
  expect(await read(other, "1.0.0")).toContain("Dear customer");
  expect(await read(other, "7.0.0")).toBeNull();
}, 120_000);

it("says which fewest modules to upgrade", async () => {
  await seedTenantModule(database, { tenant: "advised", module: "shop", weights: { "1.0.0": 10_000 } });
  const advice = await service.adviseUpgrade("advised", "shop", "1.1.0");
  expect(advice.moves).toEqual([{ module: "shop", from: "1.0.0", to: "1.1.0" }]);
});
