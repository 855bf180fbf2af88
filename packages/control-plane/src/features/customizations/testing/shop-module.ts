import { packFiles } from "../../../testing/notes-module.ts";

/**
 * A module for tests of customisations: settings, a mail, a hook and columns of tenants' own over three hops.
 *
 *   1.0.0  table orders
 *   1.1.0  other days and a new step; `sender` moves to `mail.from`; orders get a reference
 *   1.2.0  another greeting in the mail; orders get a priority
 *   2.0.0  at most 60 days; the hook is called with something else
 */
export const SHOP_VERSIONS = ["1.0.0", "1.1.0", "1.2.0", "2.0.0"] as const;
export type ShopVersion = (typeof SHOP_VERSIONS)[number];

const SCHEMA = (days: number): string => `type: object
properties:
  days: { type: integer, minimum: 1, maximum: ${days} }
  steps: { type: array, x-aibos-merge-key: id, items: { type: object, required: [id] } }
`;

const SETTINGS: Record<ShopVersion, string> = {
  "1.0.0": "# Days to pay\ndays: 14\nsender: shop\nsteps:\n  - id: check\n  - id: send\n",
  "1.1.0": "# Days to pay\ndays: 21\nmail:\n  from: shop\nsteps:\n  - id: check\n  - id: pack\n  - id: send\n",
  "1.2.0": "# Days to pay\ndays: 21\nmail:\n  from: shop\nsteps:\n  - id: check\n  - id: pack\n  - id: send\n",
  "2.0.0": "# Days to pay\ndays: 21\nmail:\n  from: shop\nsteps:\n  - id: check\n  - id: pack\n  - id: send\n",
};
const MAIL: Record<ShopVersion, string> = {
  "1.0.0": "Dear customer,\n\nyour order is on its way.\n\nBye\n",
  "1.1.0": "Dear customer,\n\nyour order is on its way.\n\nBye\n",
  "1.2.0": "Hello {{name}},\n\nyour order is on its way.\n\nBye\n",
  "2.0.0": "Hello {{name}},\n\nyour order is on its way.\n\nBye\n",
};
const PAYLOAD: Record<ShopVersion, string> = {
  "1.0.0": '{ "properties": { "order": { "type": "integer" } } }\n',
  "1.1.0": '{ "properties": { "order": { "type": "integer" } } }\n',
  "1.2.0": '{ "properties": { "order": { "type": "integer" } } }\n',
  "2.0.0": '{ "properties": { "order": { "type": "object" } } }\n',
};

const MIGRATIONS: readonly (readonly [since: ShopVersion, file: string, content: string])[] = [
  [
    "1.0.0",
    "001_orders.up.sql",
    "create table orders (id integer primary key);\ninsert into orders values (1), (2);\n",
  ],
  [
    "1.1.0",
    "002_reference.yaml",
    "operations: [{ add_column: { table: orders, column: { name: reference, type: text, nullable: true } } }]\n",
  ],
  [
    "1.2.0",
    "003_priority.yaml",
    "operations: [{ add_column: { table: orders, column: { name: priority, type: integer, nullable: true } } }]\n",
  ],
];

/** The module's history of migrations up to a version. */
function migrationsOf(version: ShopVersion): Record<string, string> {
  const until = SHOP_VERSIONS.indexOf(version);
  const known = MIGRATIONS.filter(([since]) => SHOP_VERSIONS.indexOf(since) <= until);
  return Object.fromEntries(known.map(([, file, content]) => [`migrations/${file}`, content]));
}

const SERVER = `import { createServer } from "node:http";
createServer((request, response) => response.end("{}")).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

/** The archive of one version; other files in place of its own make another release of it. */
export async function shopArchive(version: ShopVersion, files: Record<string, string> = {}): Promise<Buffer> {
  const before = SHOP_VERSIONS[SHOP_VERSIONS.indexOf(version) - 1];
  return packFiles({
    "aibos.module.yaml": `id: shop
version: "${version}"
title: Shop
runtime: { command: ["node", "server.mjs"] }
${before === undefined ? "" : `upgrades: { from: "${before}" }\n`}customFields: { tables: { orders: [text, integer] } }
customizable:
  settings:
    kind: document
    content: customizable/settings.yaml
    schema: customizable/settings.schema.yaml
    ${version === "1.1.0" ? "renamed: { /sender: /mail/from }" : ""}
  mail: { kind: text, content: customizable/mail.txt }
  on-order: { kind: hook, payload: customizable/on-order.schema.json }
`,
    "server.mjs": SERVER,
    "customizable/settings.yaml": SETTINGS[version],
    "customizable/settings.schema.yaml": SCHEMA(version === "2.0.0" ? 60 : 365),
    "customizable/mail.txt": MAIL[version],
    "customizable/on-order.schema.json": PAYLOAD[version],
    ...migrationsOf(version),
    ...files,
  });
}
