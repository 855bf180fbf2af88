import type pg from "pg";
import type { MultiVersionService } from "@aibos/contract";
import { parseTenantId, parseModuleId, tenantSchemaName } from "@aibos/domain";
import { declareCustomField, fingerprintSchema } from "@aibos/tenant-data";
import { packFiles } from "../../../testing/notes-module.ts";

/**
 * A fleet with tenants that fail, each for a reason of its own, when it is moved from books 1.0.0 to 2.0.0:
 *
 *   sick  the new version's process is not healthy for it
 *   mute  the new version's process never answers for it: a timeout
 *   odd   a row that can't be converted
 *   tied  another module of it needs books 1
 *   own   a custom field with the name of a column that 2.0.0 brings
 */
export const PLANTED = ["mute", "odd", "own", "sick", "tied"] as const;

const SERVER = `import { createServer } from "node:http";
const second = process.env.AIBOS_VERSION.startsWith("2.");
createServer((request, response) => {
  const [, payload = ""] = (request.headers["x-aibos-context"] ?? "").split(".");
  const { tenant } = payload === "" ? {} : JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  if (second && tenant === "mute" && request.url === "/healthz/tenant") return;
  response.writeHead(second && tenant === "sick" ? 500 : 200).end();
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

const ENTRIES = `create table entries (id bigint generated always as identity primary key, amount text not null);
insert into entries (amount) select n::text from generate_series(1, 20) as n;
`;
const SECOND = `operations:
  - alter_column: { table: entries, column: amount, type: integer, up: "amount::integer", down: "amount::text" }
  - add_column: { table: entries, column: { name: colour, type: text, default: "'blue'" } }
`;

function manifestOf(id: string, version: string, more: string): string {
  return `id: ${id}
version: "${version}"
title: ${id}
runtime:
  command: ["node", "server.mjs"]
  tenantHealthPath: /healthz/tenant
${more}`;
}

export async function publishBooks(service: MultiVersionService): Promise<void> {
  const first = {
    "migrations/001_entries.up.sql": ENTRIES,
    "migrations/001_entries.down.sql": "drop table entries;\n",
  };
  const releases = [
    { "aibos.module.yaml": manifestOf("books", "1.0.0", ""), ...first },
    {
      "aibos.module.yaml": manifestOf("books", "2.0.0", 'upgrades: { from: "1.0.0" }\n'),
      ...first,
      "migrations/002_second.yaml": SECOND,
    },
    {
      "aibos.module.yaml": manifestOf("reports", "1.0.0", 'dependencies: { books: "^1.0.0" }\n'),
      "migrations/001_none.up.sql": "select 1;\n",
      "migrations/001_none.down.sql": "select 1;\n",
    },
  ];
  for (const files of releases) await service.publish(await packFiles({ ...files, "server.mjs": SERVER }));
}

/** Makes so many tenants on books 1.0.0; those of {@link PLANTED} among them fail. */
export async function plantFleet(
  service: MultiVersionService,
  sql: pg.ClientBase,
  count: number,
  { planted = PLANTED, prefix = "t" }: { planted?: readonly (typeof PLANTED)[number][]; prefix?: string } = {},
): Promise<string[]> {
  const sound = Array.from({ length: count - planted.length }, (_, n) => `${prefix}${String(n + 1).padStart(3, "0")}`);
  const tenants = [...sound, ...planted];
  const left = [...tenants];
  const install = async (): Promise<void> => {
    for (let tenant = left.shift(); tenant !== undefined; tenant = left.shift()) {
      await service.createTenant({ id: tenant });
      await service.install(tenant, "books", "1.0.0");
    }
  };
  await Promise.all([install(), install(), install(), install()]);
  if (planted.includes("odd")) await sql.query(`update ${schemaOf("odd")}.entries set amount = 'many' where id = 3`);
  if (planted.includes("own")) {
    const field = { table: "entries", name: "colour", type: "text" } as const;
    const found = await sql.query<{ role_name: string }>(
      "select role_name from aibos.tenant_modules where tenant = 'own' and module = 'books'",
    );
    await sql.query("begin");
    // The field's table is the tenant's own.
    await sql.query(`set local role "${found.rows[0]?.role_name ?? ""}"`);
    await declareCustomField(sql, schemaOf("own"), field);
    await sql.query("commit");
  }
  if (planted.includes("tied")) await service.install("tied", "reports", "1.0.0");
  return tenants;
}

/** What a tenant's books are, structure and data, to the byte. */
export async function fingerprintsOf(sql: pg.ClientBase, tenants: readonly string[]): Promise<Record<string, unknown>> {
  const found: [string, unknown][] = [];
  for (const tenant of tenants) {
    const { structure, data } = await fingerprintSchema(sql, schemaOf(tenant));
    found.push([tenant, { structure, data }]);
  }
  return Object.fromEntries(found);
}

function schemaOf(tenant: string): string {
  return tenantSchemaName(parseTenantId(tenant), parseModuleId("books"));
}
