import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareStructures, describeDifference } from "../fingerprint/describe-difference.ts";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { KITCHEN_SINK } from "../testing/kitchen-sink.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { createTenantRole, dropTenantSchema } from "../roles/tenant-schema.ts";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";
import { createSchemaCopy, dropSchemaCopy } from "./create-schema-copy.ts";
import { giveSchema } from "./give-schema.ts";
import { RestoreBlockedError } from "./restore-blocked-error.ts";
import { restoreSchemaCopy } from "./restore-schema-copy.ts";

const schema = "t__acme__sink";
let tenant: TenantDatabase;
let client: pg.Client;

beforeEach(async () => {
  tenant = await createTenantDatabase(schema);
  ({ client } = tenant);
});
afterEach(() => tenant[Symbol.asyncDispose]());

function inTransaction<T>(work: () => Promise<T>): Promise<T> {
  return tenant.inTransaction(work);
}

function given(sql: string): Promise<void> {
  return tenant.given(sql);
}

function copyTo(copy: string) {
  return inTransaction(() => createSchemaCopy(client, { from: schema, to: copy }));
}

describe("a copy of a schema", () => {
  it("is the same in every object, row and sequence", async () => {
    await given(KITCHEN_SINK);
    const before = await inTransaction(() => fingerprintSchema(client, schema));
    const size = await copyTo("rp__1");
    const copy = await inTransaction(() => fingerprintSchema(client, "rp__1"));
    expect(describeDifference(before, copy)).toEqual([]);
    expect(copy.structure).toBe(before.structure);
    expect(copy.data).toBe(before.data);
    expect(size.rows).toBe(30 + 20 + 11 + 1);
    expect(size.tables).toBe(before.tables.length);
  });

  it("is given to another role whole, which then reaches nothing of the original", async () => {
    await given(KITCHEN_SINK);
    const owner = `${tenant.database.name}_other`;
    const original = { schema, owner: tenant.place.role };
    await inTransaction(async () => {
      await createTenantRole(client, owner);
      await createSchemaCopy(client, { from: schema, to: "rp__1", functionsName: "copy" });
      await giveSchema(client, { schema: "rp__1", owner });
    });
    expect(await inTransaction(() => compareStructures(client, original, { schema: "rp__1", owner }))).toEqual([]);
    const { rows } = await client.query(
      `select o.type, o.identity from pg_shdepend d cross join lateral pg_identify_object(d.classid, d.objid, 0) o
       where d.deptype = 'o' and d.refobjid = $1::regrole and (o.schema = 'rp__1' or o.identity = 'rp__1')
         and o.type <> 'default acl'`,
      [original.owner],
    );
    expect(rows).toEqual([]);
    await dropTenantSchema(client, { schema: "rp__1", role: owner });
    expect((await client.query("select from pg_roles where rolname = $1", [owner])).rowCount).toBe(0);
  });

  it("stands on its own: it goes on working when the original is gone", async () => {
    await given(KITCHEN_SINK);
    await copyTo("rp__1");
    await inTransaction(() => restoreSchemaCopy(client, { copy: "rp__1", schema }));
    await client.query(`set search_path to ${schema}`);
    await client.query("insert into customers (name) values ('new one')");
    const { rows } = await client.query("select id::int, loud, code, note from customers where name = 'new one'");
    expect(rows).toEqual([{ id: 31, loud: "NEW ONE", code: 97, note: "touched" }]);
    expect((await client.query("select count(*)::int as n from names")).rows).toEqual([{ n: 31 }]);
  });

  it("brings back exactly what was there, whatever was done since", async () => {
    await given("create table notes (id bigint generated always as identity primary key, body text not null)");
    await given("insert into notes (body) select 'note ' || n from generate_series(1, 20) as n");
    const change = fc.oneof(
      fc.constant("insert into notes (body) values ('more')"),
      fc.integer({ min: 1, max: 20 }).map((id) => `update notes set body = body || '!' where id = ${id}`),
      fc.integer({ min: 1, max: 20 }).map((id) => `delete from notes where id = ${id}`),
      fc.nat(99).map((n) => `alter table notes add column if not exists extra_${n} text default 'x'`),
      fc.constant("create index on notes (body)"),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), async (changes) => {
        const before = await inTransaction(() => fingerprintSchema(client, schema));
        await copyTo("rp__p");
        for (const sql of changes) await given(sql);
        const after = await inTransaction(async () => {
          await restoreSchemaCopy(client, { copy: "rp__p", schema, aside: "aside" });
          await dropSchemaCopy(client, "aside");
          return fingerprintSchema(client, schema);
        });
        expect(describeDifference(before, after)).toEqual([]);
        expect([after.structure, after.data]).toEqual([before.structure, before.data]);
      }),
      { numRuns: 15 },
    );
  });

  it("takes the schema's place with functions whose text names the schema", async () => {
    await given(`create table notes (body text); insert into notes values ('first');
      create function newest() returns text language sql as $$ select max(body) from ${schema}.notes $$`);
    await copyTo("rp__1");
    await given("insert into notes values ('second')");
    await inTransaction(() => restoreSchemaCopy(client, { copy: "rp__1", schema }));
    const { rows } = await client.query(`select ${schema}.newest()`);
    expect(rows).toEqual([{ newest: "first" }]);
  });

  it("is refused when it would lack an object of a kind that is not copied", async () => {
    await given("create conversion mine for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1");
    await expect(copyTo("rp__1")).rejects.toBeInstanceOf(CopyUnsupportedError);
  });

  it("leaves out what the engine derives from live versions, as fingerprints do", async () => {
    await given("create table notes (id int primary key); create function f() returns int language sql as 'select 1'");
    const before = await inTransaction(() => fingerprintSchema(client, schema));
    await client.query(`
      create function ${schema}.aibos_sync_notes() returns trigger language plpgsql as '/* ${schema} */ begin return new; end';
      comment on function ${schema}.aibos_sync_notes() is 'derived';
      set role ${tenant.place.role};
      create trigger aibos_sync_notes before insert on ${schema}.notes for each row execute function ${schema}.aibos_sync_notes();
      alter table ${schema}.notes enable always trigger aibos_sync_notes;
      comment on trigger aibos_sync_notes on ${schema}.notes is 'derived';
      create policy aibos_backfill_notes on ${schema}.notes using (true);
      comment on policy aibos_backfill_notes on ${schema}.notes is 'derived'; reset role`);
    expect(await inTransaction(() => fingerprintSchema(client, schema))).toEqual(before);
    await copyTo("rp__1");
    const { rows } = await client.query(
      "select tgname from pg_trigger where tgrelid = 'rp__1.notes'::regclass union all select polname from pg_policy where polrelid = 'rp__1.notes'::regclass",
    );
    expect(rows).toEqual([]);
    expect((await inTransaction(() => fingerprintSchema(client, "rp__1"))).structure).toBe(before.structure);
  });

  it.each([
    ["citext", "citext", "'a'", "create index on t (k)"],
    ["pg_trgm", "text", "'a'", "create index on t using gin (k gin_trgm_ops)"],
    ["hstore", "hstore", "'a=>1'", "create index on t using gist (k)"],
  ])(
    "leaves an extension alone (%s) that lives in the schema, and a superuser takes it along",
    async (name, type, value, index) => {
      const superuser = new pg.Client({ connectionString: tenant.database.superuserUrl });
      await superuser.connect();
      try {
        await superuser.query(`create extension ${name} schema ${schema}`);
        await superuser.query(`set role ${tenant.place.role}; set search_path to ${schema};
        create table t (k ${type}, ks ${type}[]); insert into t values (${value}, null); ${index}; reset role`);
        await expect(copyTo("rp__1")).rejects.toThrow(/lives in it/);
        const before = await inTransaction(() => fingerprintSchema(client, schema));
        await superuser.query("begin");
        await createSchemaCopy(superuser, { from: schema, to: "rp__1" });
        expect(await fingerprintSchema(superuser, "rp__1")).toEqual(before);
        await restoreSchemaCopy(superuser, { copy: "rp__1", schema });
        await superuser.query("commit");
        expect(await inTransaction(() => fingerprintSchema(client, schema))).toEqual(before);
        await superuser.query("insert into t select k from t");
        expect((await superuser.query("select from t")).rowCount).toBe(2);
      } finally {
        await superuser.end();
      }
    },
  );

  it("does not take the schema's place while something outside would stay with the old data", async () => {
    await given("create table notes (id int primary key)");
    await copyTo("rp__1");
    await client.query(
      `grant usage on schema ${schema} to public; create schema reports; create view reports.notes as select id from ${schema}.notes`,
    );
    const restore = () => inTransaction(() => restoreSchemaCopy(client, { copy: "rp__1", schema, aside: "aside" }));
    await expect(restore()).rejects.toBeInstanceOf(RestoreBlockedError);
    await expect(restore()).rejects.toThrow(/rule "?_RETURN"? on reports\.notes needs table t__acme__sink\.notes/);
    await client.query("drop view reports.notes");
    await restore();
  });
});
