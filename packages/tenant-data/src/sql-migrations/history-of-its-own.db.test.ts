import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { withTenantSession } from "../roles/tenant-session.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { applySqlMigrations } from "./apply-sql-migrations.ts";
import { parseSqlMigrations } from "./sql-migration.ts";

let tenant: TenantDatabase;

beforeEach(async () => {
  tenant = await createTenantDatabase();
});
afterEach(() => tenant[Symbol.asyncDispose]());

async function apply(contents: Readonly<Record<string, string>>): Promise<void> {
  const { client: platform, database, place } = tenant;
  const migrations = parseSqlMigrations(
    Object.entries(contents).map(([path, content]) => ({ path: `${path}.sql`, content })),
  );
  await withTenantSession({ platform, url: database.url, place }, (session) => applySqlMigrations(session, migrations));
}

describe("a history that was written for a database of its own", () => {
  it("is told what is its own, not what another tenant or a rollback point has", async () => {
    const sql = `
      do $$ begin
        if not exists (select 1 from pg_type where typname = 'mood') then create type mood as enum ('glad'); end if;
        if to_regclass('moods') is null then create table moods (mood mood); end if;
        if not exists (select from pg_constraint where conname = 'once') then
          alter table moods add constraint once unique (mood);
        end if;
      end $$;
      create function has_column(wanted text) returns boolean language sql stable as $$
        select exists (select from information_schema.columns where table_name = 'moods' and column_name = wanted) $$;
      do $$ begin if not has_column('since') then alter table moods add column since date; end if; end $$`;
    const { schema, role } = tenant.place;
    await tenant.client.query(`create schema other authorization ${role}; set search_path to other; ${sql}`);
    await tenant.client.query(`alter table other.moods owner to ${role}; reset search_path`);
    await apply({ "001_mood.up": sql });
    const { rows } = await tenant.client.query(
      `select array(select attname::text from pg_attribute where attrelid = '${schema}.moods'::regclass and attnum > 0
         order by attnum) as columns, '${schema}.mood'::regtype::text as type,
         (select count(*)::int from pg_constraint where conname = 'once') as constraints`,
    );
    expect(rows).toEqual([{ columns: ["mood", "since"], type: `${schema}.mood`, constraints: 2 }]);
  });

  it("has its schemas in the tenant's", async () => {
    const first = `create schema if not exists Tools authorization postgres;
      create extension if not exists citext with schema extra;
      create table tools.saved (id serial primary key, name extra.citext);
      create type tools.mood as enum ('glad'); create view tools.names as select saved.name from tools.saved;
      create function tools.save(text) returns void language plpgsql as $$
        begin insert into tools.saved (name) values ($1); end $$;
      create table notes (body text, mood tools.mood default 'glad'::tools.mood)`;
    const second = `set search_path to tools, public;
      do $$ begin perform tools.save('x'); if not exists (select from information_schema.tables
        where table_schema = 'tools' and table_name = 'saved') then raise 'is gone'; end if; end $$;
      insert into tools.saved (name) values (currval('tools.saved_id_seq')::text);
      alter table notes set schema tools; alter table tools.notes set schema public`;
    await apply({ "001_a.up": first, "002_b.up": second });
    const { schema } = tenant.place;
    const { rows } = await tenant.client.query(`select name::text from ${schema}.names order by 1`);
    expect(rows).toEqual([{ name: "2" }, { name: "x" }]);
    const third = "drop schema tools cascade; alter table notes add at date";
    await apply({ "001_a.up": first, "002_b.up": second, "003_c.up": third });
    const { definitions } = await tenant.inTransaction(() => fingerprintSchema(tenant.client, schema));
    const left = definitions.map(({ object }) => object).filter((object) => !object.includes("aibos_migrations"));
    expect(left).toEqual(["column notes.at", "column notes.body", "schema", "table notes"]);
  });
});
