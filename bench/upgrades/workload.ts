import type pg from "pg";
import type { MultiVersionService } from "@aibos/contract";
import { packFiles } from "../../packages/control-plane/src/testing/notes-module.ts";

/** How much data a tenant has. */
export interface Size {
  readonly tables: number;
  readonly rows: number;
}

const SERVER = `import { createServer } from "node:http";
createServer((request, response) => response.end("{}")).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

const names = ({ tables }: Size): string[] => Array.from({ length: tables }, (_, index) => `entries_${index + 1}`);

/** What makes a tenant's tables and fills them. */
export function createTables(size: Size): string {
  return names(size)
    .map(
      (table) => `create table ${table} (id bigint generated always as identity primary key, amount text not null,
  booked_on date not null default '2027-01-01', note text);
create index ${table}_booked_on on ${table} (booked_on);
insert into ${table} (amount, note) select n::text, 'entry ' || n from generate_series(1, ${size.rows}) as n;`,
    )
    .join("\n");
}

/** A module of two releases: the second one converts a column of its first table and adds one to it. */
export async function publishLedger(service: MultiVersionService, size: Size): Promise<void> {
  const manifest = (version: string, more: string): string =>
    `id: ledger\nversion: "${version}"\ntitle: Ledger\nruntime: { command: ["node", "server.mjs"] }\n${more}`;
  const first = {
    "server.mjs": SERVER,
    "migrations/001_entries.up.sql": `${createTables(size)}\n`,
    "migrations/001_entries.down.sql": `drop table ${names(size).join(", ")};\n`,
  };
  await service.publish(await packFiles({ "aibos.module.yaml": manifest("1.0.0", ""), ...first }));
  await service.publish(
    await packFiles({
      "aibos.module.yaml": manifest("2.0.0", 'upgrades: { from: "1.0.0" }\n'),
      ...first,
      "migrations/002_numbers.yaml": `operations:
  - alter_column: { table: entries_1, column: amount, type: integer, up: "amount::integer", down: "amount::text" }
  - add_column: { table: entries_1, column: { name: colour, type: text, default: "'blue'" } }
`,
    }),
  );
}

/** Tenants on 1.0.0, so many at once. They are labelled with the name. */
export async function installTenants(
  service: MultiVersionService,
  tenants: readonly string[],
  label: string,
): Promise<void> {
  await atOnce(tenants, 8, async (id) => {
    await service.createTenant({ id, labels: { bench: label } });
    await service.install(id, "ledger", "1.0.0");
  });
}

/** Schemas with the same data, for the script. */
export async function createBareSchemas(pool: pg.Pool, schemas: readonly string[], size: Size): Promise<void> {
  await atOnce(schemas, 8, async (schema) => {
    const client = await pool.connect();
    try {
      await client.query(`create schema ${schema}; set search_path = ${schema}; ${createTables(size)}`);
    } finally {
      client.release();
    }
  });
}

/**
 * What somebody would write by hand for one tenant: a copy of all tables with their indexes to go back to, a new column
 * that is filled beside the old one, which then goes, and the added one; each in a transaction, as a person would.
 */
export async function moveBare(client: pg.ClientBase, schema: string, size: Size): Promise<void> {
  await client.query(`set search_path = ${schema}`);
  const copies = names(size).map(
    (table) =>
      `create table ${schema}_rp.${table} (like ${schema}.${table} including all);
       insert into ${schema}_rp.${table} overriding system value select * from ${schema}.${table};`,
  );
  await client.query(`begin isolation level repeatable read; create schema ${schema}_rp; ${copies.join("\n")} commit`);
  await client.query(
    `begin; alter table entries_1 add column amount_new integer, add column colour text default 'blue'; commit`,
  );
  await client.query("update entries_1 set amount_new = amount::integer where amount_new is null");
  await client.query(
    `begin; alter table entries_1 drop column amount; alter table entries_1 rename column amount_new to amount;
     alter table entries_1 alter column amount set not null; commit`,
  );
}

/** Works on a list, so many at once. */
export async function atOnce<T>(list: readonly T[], most: number, work: (one: T) => Promise<void>): Promise<void> {
  const left = [...list];
  await Promise.all(
    Array.from({ length: most }, async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
    }),
  );
}
