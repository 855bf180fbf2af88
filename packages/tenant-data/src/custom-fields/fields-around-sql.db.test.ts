import { afterAll, beforeAll, expect, it } from "vitest";
import { parseMigrations } from "../migrations/parse-migrations.ts";
import { applyMigrations } from "../migrations/apply-migrations.ts";
import type { CustomFieldChoices } from "../operations/start-context.ts";
import { type TenantSession, withTenantSession } from "../roles/tenant-session.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { declareCustomField, listCustomFields } from "./custom-fields.ts";
import { readTableChanges } from "./read-table-changes.ts";

let tenant: TenantDatabase;
beforeAll(async () => {
  tenant = await createTenantDatabase();
});
afterAll(() => tenant[Symbol.asyncDispose]());

const FIRST = {
  path: "001_people.up.sql",
  content: "create table people (id integer primary key); create table old (x text)",
};
const FILES = [
  FIRST,
  {
    path: "002_persons.up.sql",
    content: `alter table people rename to persons;
      alter table persons add column age integer not null default 0, add column vat_id varchar(9);
      alter table persons rename column id to number; drop table old`,
  },
  {
    path: "003_more.yaml",
    content: "operations: [{ add_column: { table: persons, column: { name: note, type: text, nullable: true } } }]",
  },
];

function onSession<T>(work: (session: TenantSession) => Promise<T>): Promise<T> {
  return withTenantSession({ platform: tenant.client, url: tenant.database.url, place: tenant.place }, work);
}

it("what files do to tables is read from their text", async () => {
  const changes = (await Promise.all(parseMigrations(FILES).map(readTableChanges))).flat();
  expect(changes).toEqual([
    { change: "rename-table", from: "people", to: "persons" },
    { change: "bring-column", table: "persons", column: "age", as: { type: "int4", nullable: false } },
    { change: "bring-column", table: "persons", column: "vat_id", as: { type: "varchar", nullable: true } },
    { change: "bring-column", table: "persons", column: "number", as: { renamedFrom: "id" } },
    { change: "drop-table", table: "old" },
    { change: "bring-column", table: "persons", column: "note", as: { type: "text", nullable: true } },
  ]);
});

it("SQL files that bring columns of fields' names adopt one, leave another under a new name, and keep the rest", async () => {
  await onSession(async (session) => {
    const { client, place } = session;
    await applyMigrations(session, parseMigrations([FIRST]));
    for (const [name, type] of [
      ["age", "text"],
      ["vat_id", "integer"],
      ["note", "text"],
      ["score", "integer"],
    ] as const) {
      await declareCustomField(client, place.schema, { table: "people", name, type });
    }
    await client.query("insert into people values (1, '41', 7, 'mine', 5), (2, null, null, null, null)");
    const choices: CustomFieldChoices = new Map([
      ["persons.age", { adopt: true }],
      ["persons.vat_id", { rename: "own_vat_id" }],
      ["persons.note", { rename: "own_note" }],
    ]);
    await applyMigrations(session, parseMigrations(FILES), { customFields: choices });
    const { rows } = await client.query("select * from persons order by number");
    expect(rows).toEqual([
      { number: 1, age: 41, vat_id: null, note: null, own_vat_id: 7, own_note: "mine", score: 5 },
      { number: 2, age: 0, vat_id: null, note: null, own_vat_id: null, own_note: null, score: null },
    ]);
    expect(await listCustomFields(client, place.schema)).toEqual([
      { table: "persons", name: "own_note", type: "text" },
      { table: "persons", name: "own_vat_id", type: "integer" },
      { table: "persons", name: "score", type: "integer" },
    ]);
  });
});
