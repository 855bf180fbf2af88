import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MultiVersionService } from "@aibos/contract";
import { createTestDatabase } from "@aibos/local-postgres/testing";
import { fingerprintSchema } from "@aibos/tenant-data";
import { type ControlDatabase, openControlDatabase } from "../../../db/control-database.ts";
import { createMultiVersionService } from "../../../index.ts";
import { shopArchive, type ShopVersion } from "./shop-module.ts";

/** A service with releases of the shop, and what tests do with its tenants. */
export interface ShopWorld extends AsyncDisposable {
  readonly service: MultiVersionService;
  readonly database: ControlDatabase;
  /** Gives a new tenant the shop's first version. */
  installed(tenant: string): Promise<string>;
  /** Changes a document, a text and a hook, and adds columns. */
  customize(tenant: string): Promise<void>;
  /** Contents by name. */
  contentsOf(tenant: string): Promise<Record<string, string>>;
  schemaOf(tenant: string): Promise<string>;
  ordersOf(tenant: string): Promise<object[]>;
  /** What the tenant's data and its customisations are, to the byte. */
  everythingOf(tenant: string): Promise<unknown>;
}

export const MINE = {
  settings: "# We give more time\ndays: 90 # as agreed\nsender: us\nsteps:\n  - id: check\n    by: Ann\n  - id: send\n",
  mail: "Hi there,\n\nyour order is on its way.\n\nCheers\n",
  "on-order": '{ "url": "https://example.com/orders" }\n',
};
const FIELDS = { reference: "text", priority: "text", region: "text" } as const;

export async function openShopWorld(versions: readonly ShopVersion[]): Promise<ShopWorld> {
  const test = await createTestDatabase();
  const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-custom-")));
  const running = await createMultiVersionService({ databaseUrl: test.url, dataFolder: folder });
  const { service } = running;
  const database = openControlDatabase(test.url, "test", 2);
  for (const version of versions) await service.publish(await shopArchive(version));

  async function schemaOf(tenant: string): Promise<string> {
    const { rows } = await database.pool.query<{ schema_name: string }>(
      "select schema_name from tenant_modules where tenant = $1 and module = 'shop'",
      [tenant],
    );
    return rows[0]?.schema_name ?? "";
  }

  async function contentsOf(tenant: string): Promise<Record<string, string>> {
    const all = await service.listCustomizations(tenant, "shop");
    return Object.fromEntries(all.map(({ name, content }) => [name, content]));
  }

  return {
    service,
    database,
    schemaOf,
    contentsOf,
    async installed(tenant) {
      await service.createTenant({ id: tenant });
      await service.install(tenant, "shop", "1.0.0");
      return tenant;
    },
    async customize(tenant) {
      for (const [name, content] of Object.entries(MINE)) {
        await service.setCustomization(tenant, "shop", name, { content, author: "ann" });
      }
      for (const [name, type] of Object.entries(FIELDS)) {
        await service.addCustomField(tenant, "shop", { table: "orders", name, type, author: "ann" });
      }
    },
    async ordersOf(tenant) {
      return (await database.pool.query<object>(`select * from "${await schemaOf(tenant)}".orders order by id`)).rows;
    },
    async everythingOf(tenant) {
      const schema = await schemaOf(tenant);
      const data = await database.transaction(({ client }) => fingerprintSchema(client, schema));
      return { contents: await contentsOf(tenant), data, fields: await service.listCustomFields(tenant, "shop") };
    },
    async [Symbol.asyncDispose]() {
      await database.close();
      await running.stop();
      await test.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
