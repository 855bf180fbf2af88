import { afterAll, beforeAll, expect, it } from "vitest";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { asRole } from "../with-settings.ts";
import { createSchemaCopy } from "./create-schema-copy.ts";

// Queries are left out where a schema seems to have nothing that they ask for: one thing alone must be enough to be seen.

let tenant: TenantDatabase;
let plain: string;

beforeAll(async () => {
  tenant = await createTenantDatabase();
  const { client, place } = tenant;
  await tenant.inTransaction(() =>
    asRole(client, place.role, async () => {
      await client.query(`create table ${place.schema}.t (id int generated always as identity primary key, a text)`);
    }),
  );
  plain = (await fingerprintSchema(client, place.schema)).structure;
});
afterAll(() => tenant[Symbol.asyncDispose]());

it.each([
  "comment on table t is 'c'",
  "comment on column t.a is 'c'",
  "comment on index t_pkey is 'c'",
  "comment on sequence t_id_seq is 'c'",
  "comment on constraint t_pkey on t is 'c'",
  "create domain d as text constraint k check (value <> ''); comment on constraint k on domain d is 'c'",
  "alter table t alter a set storage external",
  "alter table t alter a set compression pglz",
  "alter table t alter a set statistics 7",
  "alter table t alter a set (n_distinct = 7)",
  "create index i on t ((a || '')); alter index i alter 1 set statistics 7",
  "alter table t replica identity full",
  "alter table t cluster on t_pkey",
  "alter table t enable row level security",
  "alter table t force row level security",
  "grant select on t to public",
  "grant select (a) on t to public",
  "grant usage on sequence t_id_seq to public",
  "alter default privileges in schema t__acme__books grant select on tables to public",
  "create sequence s",
  "create sequence s owned by t.a",
  "create function f() returns text language sql as 'select 1'; alter table t alter a set default f()",
  "create view v as select a from t; alter view v alter a set default 'x'",
  "create table child (b text default 'x') inherits (t)",
])("a schema whose only unusual thing is this has it in its copy and its fingerprint: %s", async (sql) => {
  const { client, place } = tenant;
  await client.query("begin");
  try {
    await asRole(client, place.role, async () => {
      await client.query(`set local search_path to ${place.schema}`);
      await client.query(sql);
    });
    const { structure } = await fingerprintSchema(client, place.schema);
    expect(structure).not.toBe(plain);
    await createSchemaCopy(client, { from: place.schema, to: "rp" });
    expect((await fingerprintSchema(client, "rp")).structure).toBe(structure);
  } finally {
    await client.query("rollback");
  }
});
