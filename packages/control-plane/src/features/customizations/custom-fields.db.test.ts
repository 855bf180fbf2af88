import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MultiVersionService } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { openShopWorld, type ShopWorld } from "./testing/shop-world.ts";

let world: ShopWorld;
let database: ControlDatabase;
let service: MultiVersionService;
beforeAll(async () => {
  world = await openShopWorld(["1.0.0", "1.1.0", "1.2.0"]);
  ({ service, database } = world);
}, 240_000);
afterAll(() => world[Symbol.asyncDispose](), 120_000);

describe("a tenant's own column", () => {
  it("is made where the release allows it, is in the history, and goes with its values only when that is accepted", async () => {
    const tenant = await world.installed("columns");
    const add = (table: string, name: string, type: "text" | "integer" | "date") =>
      service.addCustomField(tenant, "shop", { table, name, type, author: "ann" });
    for (const [table, name, type] of [
      ["orders", "due", "date"],
      ["lines", "x", "text"],
      ["orders", "id", "text"],
      ["orders", "X", "text"],
    ] as const) {
      await expect(add(table, name, type)).rejects.toMatchObject({ code: "AIBOS_CUSTOM_FIELD" });
    }
    expect(await add("orders", "region", "text")).toEqual({
      version: "1.0.0",
      allowed: { orders: ["text", "integer"] },
      items: [{ table: "orders", name: "region", type: "text" }],
    });
    await expect(add("orders", "region", "integer")).rejects.toMatchObject({ code: "AIBOS_CUSTOM_FIELD" });
    await database.pool.query(`update "${await world.schemaOf(tenant)}".orders set region = 'north'`);
    const drop = { table: "orders", name: "region" };
    await expect(service.dropCustomField(tenant, "shop", drop)).rejects.toThrow("it holds 2 values");
    await expect(service.setCustomization(tenant, "shop", "custom-fields", { content: null })).rejects.toThrow(
      "2 values",
    );
    const dropped = await service.dropCustomField(tenant, "shop", { ...drop, acceptDataLoss: true, author: "bob" });
    expect(dropped.items).toEqual([]);
    expect(await world.ordersOf(tenant)).toEqual([{ id: 1 }, { id: 2 }]);
    const { items: history } = await service.listCustomizationHistory(tenant, "shop", "custom-fields");
    expect(history.map(({ author, origin }) => [author, origin])).toEqual([
      ["bob", "edit"],
      ["ann", "edit"],
    ]);
    // Its values are gone; the column itself comes back.
    const again = await service.reapplyCustomization(tenant, "shop", "custom-fields", { entry: history[1]?.id ?? "" });
    expect([again.origin, await world.ordersOf(tenant)]).toEqual([
      "reapply",
      [
        { id: 1, region: null },
        { id: 2, region: null },
      ],
    ]);
  }, 120_000);

  it("is adopted by policy, or stays beside the release's for who takes no customisations along; is told when its values don't fit", async () => {
    const tenant = await world.installed("adopting");
    for (const [name, type] of Object.entries({ reference: "text", priority: "text" } as const)) {
      await service.addCustomField(tenant, "shop", { table: "orders", name, type });
    }
    await database.pool.query(
      `update "${await world.schemaOf(tenant)}".orders set reference = 'mine', priority = 'high'`,
    );
    await service.migrateTenant(tenant, "shop", "1.1.0", { preserveCustomizations: false });
    expect(await world.ordersOf(tenant)).toContainEqual({
      id: 1,
      reference: null,
      own_reference: "mine",
      priority: "high",
    });
    await service.setCustomizationPolicy(tenant, "shop", { "custom-field": "vendor" });
    const { errors } = await service.validateMigration(tenant, "shop", "1.2.0");
    expect(errors.map(({ code }) => code)).toContain("AIBOS_DATA_CONVERSION_FAILS");
    await database.pool.query(`update "${await world.schemaOf(tenant)}".orders set priority = '7'`);
    await service.migrateTenant(tenant, "shop", "1.2.0");
    expect(await world.ordersOf(tenant)).toContainEqual({ id: 1, reference: null, own_reference: "mine", priority: 7 });
    expect((await service.listCustomFields(tenant, "shop")).items.map(({ name }) => name)).toEqual(["own_reference"]);
  }, 120_000);
});

describe("a hook", () => {
  it("is read by the module with its payload's schema and the tenant's own key", async () => {
    const [tenant, other] = [await world.installed("hooked"), await world.installed("hookless")];
    const set = (content: string) => service.setCustomization(tenant, "shop", "on-order", { content });
    await expect(set('{"expression":{"eval":"1"}}')).rejects.toThrow("is no operation");
    await expect(set('{"url":"ftp://x"}')).rejects.toMatchObject({ code: "AIBOS_CUSTOMIZATION_INVALID" });
    const content = '{"expression":{">":[{"var":"order"},100]}}';
    await set(content);
    const read = async (of: string): Promise<unknown> => {
      const { rows: found } = await database.pool.query<{ role_name: string }>(
        "select role_name from tenant_modules where tenant = $1",
        [of],
      );
      return database.transaction(async ({ client }) => {
        await client.query(`set local role "${found[0]?.role_name ?? ""}"`);
        return (await client.query("select * from aibos_customizations.hook('on-order', '1.0.0')")).rows[0] as unknown;
      });
    };
    const schema = '{ "properties": { "order": { "type": "integer" } } }\n';
    const secret = await service.getHookSecret(tenant, "shop");
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await read(tenant)).toEqual({ content, payload_schema: schema, secret });
    expect(await read(other)).toMatchObject({ content: "null\n" });
    expect(await service.getHookSecret(other, "shop")).not.toBe(secret);
    const rotated = await service.rotateHookSecret(tenant, "shop");
    expect([rotated === secret, await service.getHookSecret(tenant, "shop")]).toEqual([false, rotated]);
  }, 60_000);
});

describe("while two versions run side by side", () => {
  it("an edit of the older one goes along to the newer one, with what was edited there, and never back", async () => {
    const tenant = await world.installed("beside");
    const set = (name: string, content: string | null, version: string) =>
      service.setCustomization(tenant, "shop", name, { content, version, author: "ann" });
    const get = async (name: string, version: string) =>
      (await service.getCustomization(tenant, "shop", name, version)).content;
    const mail = (hello: string, middle: string, end: string): string => `${hello}\n\n${middle}\n\n${end}\n`;
    const ON_ITS_WAY = "your order is on its way.";
    await set("mail", mail("Dear customer,", ON_ITS_WAY, "Cheers"), "1.0.0");
    await service.enableSideBySideVersions(tenant, "shop", "1.2.0");
    expect(await get("mail", "1.2.0")).toBe(mail("Hello {{name}},", ON_ITS_WAY, "Cheers"));

    await set("mail", mail("Hello {{name}},", "your order has left.", "Cheers"), "1.2.0");
    await set("mail", mail("Dear customer,", ON_ITS_WAY, "Best"), "1.0.0");
    expect(await get("mail", "1.2.0")).toBe(mail("Hello {{name}},", "your order has left.", "Best"));
    expect(await get("mail", "1.0.0")).toBe(mail("Dear customer,", ON_ITS_WAY, "Best"));

    // One that conflicts waits for its decision; the newer version keeps what it has meanwhile.
    const days = "# Days to pay\ndays: 33\nsender: shop\nsteps:\n  - id: check\n  - id: send\n";
    await set("settings", days, "1.0.0");
    expect(await get("settings", "1.2.0")).toContain("days: 21");
    const [open] = (await service.listConflicts("shop", { tenant })).items.filter(({ ours }) => ours === 33);
    expect(open).toMatchObject({ name: "settings", path: "/days", kind: "change", examples: [tenant] });
    await expect(service.reapplyCustomization(tenant, "shop", "settings")).rejects.toMatchObject({
      code: "AIBOS_CUSTOMIZATION_CONFLICT",
    });
    await service.resolveConflict("shop", { conflict: open?.id ?? "", take: "tenant" });
    await service.reapplyCustomization(tenant, "shop", "settings", { author: "dan" });
    expect(await get("settings", "1.2.0")).toContain("days: 33");

    // A column is in the data that both use.
    await service.addCustomField(tenant, "shop", { table: "orders", name: "region", type: "text" });
    for (const version of ["1.0.0", "1.2.0"]) {
      expect((await service.listCustomFields(tenant, "shop", version)).items.map(({ name }) => name)).toEqual([
        "region",
      ]);
    }
    const first = await service.listCustomizationHistory(tenant, "shop", "mail", { limit: 2 });
    const rest = await service.listCustomizationHistory(tenant, "shop", "mail", { cursor: first.nextCursor ?? "" });
    const whole = await service.listCustomizationHistory(tenant, "shop", "mail");
    expect([...first.items, ...rest.items]).toEqual(whole.items);
    expect(first.items).toHaveLength(2);

    await service.rollbackTenant(tenant, "shop");
    expect(await get("mail", "1.0.0")).toBe(mail("Dear customer,", ON_ITS_WAY, "Best"));
    const aside = (await service.listCustomizationHistory(tenant, "shop", "mail")).items.filter((entry) => entry.aside);
    expect(aside.map(({ version, content }) => [version, content])).toEqual([
      ["1.2.0", mail("Hello {{name}},", "your order has left.", "Cheers")],
    ]);
  }, 120_000);
});
