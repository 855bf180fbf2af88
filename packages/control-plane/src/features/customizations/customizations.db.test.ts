import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MultiVersionService } from "@aibos/contract";
import type { JsonValue } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { seedTenantModule } from "../../testing/test-catalog.ts";
import { SHOP_VERSIONS, shopArchive } from "./testing/shop-module.ts";
import { MINE, openShopWorld, type ShopWorld } from "./testing/shop-world.ts";

let world: ShopWorld;
let database: ControlDatabase;
let service: MultiVersionService;
beforeAll(async () => {
  world = await openShopWorld(SHOP_VERSIONS);
  ({ service, database } = world);
}, 240_000);
afterAll(() => world[Symbol.asyncDispose](), 120_000);

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
    await seedTenantModule(database, { tenant: "editor", module: "shop", weights: { "1.1.0": 10_000 } });
    const set = (content: string | null) =>
      service.setCustomization("editor", "shop", "settings", { content, author: "bob" });
    await expect(set("days: 400\n")).rejects.toMatchObject({ code: "AIBOS_CUSTOMIZATION_INVALID" });
    await expect(set("a: {__proto__: 1}\n")).rejects.toMatchObject({ code: "AIBOS_DOCUMENT_REFUSED" });
    await expect(service.getCustomization("editor", "shop", "nothing")).rejects.toMatchObject({
      code: "AIBOS_CUSTOMIZABLE_NOT_FOUND",
    });
    expect(await set("days: 30\nsteps: []\n")).toMatchObject({ customized: true, author: "bob", version: "1.1.0" });
    await set("days: 31\nsteps: []\n");
    expect(await set(null)).toMatchObject({ customized: false });
    const { items: history } = await service.listCustomizationHistory("editor", "shop", "settings");
    expect(history.map(({ origin, author }) => [origin, author])).toEqual([
      ["reset", "bob"],
      ["edit", "bob"],
      ["edit", "bob"],
    ]);
    expect(history[1]?.diff).toContain("-days: 30\n+days: 31\n");
    expect(history[2]?.base).toContain("days: 21");
    const again = await service.reapplyCustomization("editor", "shop", "settings", { entry: history[1]?.id ?? "" });
    expect(again).toMatchObject({ origin: "reapply", content: "days: 31\nsteps: []\n" });
  });
});

/** Tenants with the same conflicts as the first one. */
const OTHERS = 30;
/** What people decide, by kind and place; the tenant's where it is not said. */
const DECISIONS: Readonly<Record<string, { take: "vendor" } | { take: "value"; value: JsonValue }>> = {
  "text /line 1": { take: "value", value: "Hi {{name}},\n" },
  "schema /days": { take: "value", value: 60 },
  "custom-field /orders/priority": { take: "vendor" },
};

describe("a tenant that customised a document, a text, columns and a hook, over three hops", () => {
  it("is asked once a conflict, for all; goes back to the byte, and up again without a question", async () => {
    const tenant = await world.installed("acme");
    await world.customize(tenant);
    const others = Array.from({ length: OTHERS }, (_, index) => `like-acme-${index}`);
    for (const other of others) {
      await world.installed(other);
      await world.customize(other);
    }
    for (const one of [tenant, ...others]) {
      await database.pool.query(
        `update "${await world.schemaOf(one)}".orders set reference = 'r' || id, priority = id, region = 'north' where id = 1`,
      );
    }
    const before = await world.everythingOf(tenant);
    expect(before).toMatchObject({ contents: MINE });

    // Each kind is told beforehand, and blocks this tenant only.
    const found = await service.validateMigration(tenant, "shop", "2.0.0");
    expect([found.isValid, new Set(found.errors.map(({ code }) => code))]).toEqual([
      false,
      new Set(["AIBOS_CUSTOMIZATION_CONFLICT"]),
    ]);
    expect(
      found.errors.map(({ message }) => /^Customisation (.*) conflicts \((.*?)\)/.exec(message)?.slice(1)),
    ).toEqual([
      ['"custom-fields" at /orders/reference', "custom-field"],
      ['"mail" at /line 1', "text"],
      ['"on-order"', "hook-payload"],
      ['"settings" at /days', "change"],
    ]);
    await expect(service.migrateTenant(tenant, "shop", "2.0.0")).rejects.toMatchObject({
      code: "AIBOS_CUSTOMIZATION_CONFLICT",
    });
    expect(await world.everythingOf(tenant)).toEqual(before);

    const { items: waiting } = await service.listConflicts("shop", { tenant });
    const paged: typeof waiting = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await service.listConflicts("shop", {
        tenant,
        limit: 1,
        ...(cursor === undefined ? {} : { cursor }),
      });
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    expect([paged, paged.length]).toEqual([waiting, 4]);

    const rehearsed = await service.rehearseMigration(tenant, "shop", "2.0.0");
    expect(rehearsed).toMatchObject({ passed: false, failure: null });
    expect(rehearsed.conflicts.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      "customisation custom-fields",
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
        const resolution = DECISIONS[`${kind} ${path}`] ?? { take: "tenant" };
        await service.resolveConflict("shop", { conflict: id, author: "carol", ...resolution });
      }
      if (conflicts.length === 0) break;
    }
    const all = OTHERS + 1;
    expect(decided.sort()).toEqual([
      `custom-fields/orders/priority custom-field of ${all}`,
      `custom-fields/orders/reference custom-field of ${all}`,
      `mail/line 1 text of ${all}`,
      `on-order hook-payload of ${all}`,
      `settings/days change of ${all}`,
      `settings/days schema of ${all}`,
    ]);

    expect((await service.listConflicts("shop")).items).toEqual([]);
    const impact = await service.customizationImpact("shop", "1.0.0", "2.0.0");
    const clean = { tenants: all, clean: all, untouched: 0, oneDecision: 0, blocked: 0, merges: 4 };
    expect(impact).toMatchObject(clean);

    expect(await service.rehearseMigration(tenant, "shop", "2.0.0")).toMatchObject({ passed: true, conflicts: [] });
    expect(await world.everythingOf(tenant)).toEqual(before);
    const upgrade = await service.migrateTenant(tenant, "shop", "2.0.0");
    expect(upgrade.steps.filter(({ name }) => name === "merge-customizations")).toHaveLength(3);
    expect(await world.ordersOf(tenant)).toEqual([
      // Kept beside the release's, adopted as a number, and left alone.
      { id: 1, reference: null, own_reference: "r1", priority: 1, region: "north" },
      { id: 2, reference: null, own_reference: null, priority: null, region: null },
    ]);
    const after = await world.contentsOf(tenant);
    expect(after["settings"]).toBe(
      "# We give more time\ndays: 60 # as agreed\nsteps:\n  - id: check\n    by: Ann\n  - id: pack\n  - id: send\nmail:\n  from: us\n",
    );
    expect(after["mail"]).toBe("Hi {{name}},\n\nyour order is on its way.\n\nCheers\n");
    expect(after["on-order"]).toBe(MINE["on-order"]);
    const [merged] = (await service.listCustomizationHistory(tenant, "shop", "settings")).items;
    expect(merged).toMatchObject({ origin: "merge", version: "2.0.0", migrationId: upgrade.id });
    expect(merged?.report).toContainEqual({
      path: "/days",
      outcome: "resolved",
      detail: "schema: merged by hand, decided by carol",
    });

    // Nobody is asked again for the others, nor when they are many at once.
    const fleet = await service.startFleetUpgrade("shop", "2.0.0", {
      concurrency: 4,
      excludeTenants: ["editor"],
    });
    expect((await service.waitForFleetUpgrade(fleet.id)).counts).toMatchObject({ moved: OTHERS });
    for (const other of others) {
      expect(await world.contentsOf(other)).toEqual(after);
      expect(await world.ordersOf(other)).toEqual(await world.ordersOf(tenant));
    }

    // An edit of the new version, a rollback, and up again.
    await service.setCustomization(tenant, "shop", "mail", { content: "New\n", author: "ann" });
    await service.rollbackTenant(tenant, "shop", undefined, { acceptDataLoss: true });
    expect(await world.everythingOf(tenant)).toEqual(before);
    const aside = (await service.listCustomizationHistory(tenant, "shop", "mail")).items.filter((entry) => entry.aside);
    expect(aside).toMatchObject([{ content: "New\n", author: "ann", version: "2.0.0" }]);
    const { isValid, warnings } = await service.validateMigration(tenant, "shop", "2.0.0");
    expect([isValid, warnings.filter(({ code }) => code === "AIBOS_CUSTOMIZATION_ASIDE")]).toMatchObject([
      true,
      [{ wayOut: expect.stringContaining(`reapply mail -t acme -m shop --entry ${aside[0]?.id ?? ""}`) as string }],
    ]);
    await service.migrateTenant(tenant, "shop", "2.0.0");
    expect(await world.contentsOf(tenant)).toEqual(after);
    await service.reapplyCustomization(tenant, "shop", "mail", { entry: aside[0]?.id ?? "" });
    expect((await world.contentsOf(tenant))["mail"]).toBe("New\n");

    // What was decided can be taken back, and decided differently.
    const { items: resolutions } = await service.listResolutions("shop");
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
  }, 300_000);

  it("has a rollback point put its customisations back, and the later ones aside", async () => {
    const tenant = await world.installed("points");
    await service.setCustomization(tenant, "shop", "mail", { content: "First\n", author: "ann" });
    const point = await service.createRollbackPoint(tenant, "shop", "1.0.0", "before I write");
    await service.setCustomization(tenant, "shop", "mail", { content: "Second\n", author: "ann" });
    await service.restoreFromRollbackPoint(point.id, { acceptDataLoss: true });
    expect((await world.contentsOf(tenant))["mail"]).toBe("First\n");
    const { items: history } = await service.listCustomizationHistory(tenant, "shop", "mail");
    expect(history.map(({ content, aside }) => [content, aside])).toEqual([
      ["Second\n", true],
      ["First\n", false],
    ]);
  }, 120_000);

  it("moves without its customisations when it is told so, and by policy without a question", async () => {
    const tenant = await world.installed("policy");
    await service.setCustomization(tenant, "shop", "settings", { content: "days: 7\nsteps: []\n", author: "ann" });
    expect((await service.validateMigration(tenant, "shop", "1.1.0")).isValid).toBe(false);
    await service.setCustomizationPolicy(tenant, "shop", { "/days": "tenant" });
    expect(await service.getCustomizationPolicy(tenant, "shop")).toEqual({ "/days": "tenant" });
    await service.migrateTenant(tenant, "shop", "1.1.0");
    expect((await world.contentsOf(tenant))["settings"]).toContain("days: 7");
    await service.migrateTenant(tenant, "shop", "1.2.0", { preserveCustomizations: false });
    expect((await service.getCustomization(tenant, "shop", "settings")).customized).toBe(false);
  }, 120_000);
});

it("is read by the module in the tenant's transaction, and nobody else's is", async () => {
  const [acme, other] = [await world.installed("reads"), await world.installed("reads-too")];
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
