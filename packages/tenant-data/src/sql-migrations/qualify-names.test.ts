import { describe, expect, it } from "vitest";
import { qualifyNames } from "./qualify-names.ts";

const place = {
  schema: "t_a",
  names: new Set(["public"]),
  extensionNames: new Map([
    ["citext", "aibos_extensions"],
    ["gen_salt", "aibos_extensions"],
    ["unaccent", "aibos_extensions"],
    ["gin_trgm_ops", "aibos_extensions"],
    ["@>", "aibos_extensions"],
  ]),
};
const qualify = (sql: string) => qualifyNames(sql, place);

describe("qualifyNames", () => {
  it.each([
    ["create table public.notes (id int)", 'create table "t_a".notes (id int)'],
    ['select * from "public"."Notes"', 'select * from "t_a"."Notes"'],
    ["select PUBLIC . notes.body from Public.notes", 'select "t_a" . notes.body from "t_a".notes'],
    ["select * from public.user", 'select * from "t_a".user'],
    ["create table t (e public.citext)", 'create table t (e "aibos_extensions".citext)'],
    ["select public.gen_salt('bf')", "select \"aibos_extensions\".gen_salt('bf')"],
    [
      "create index i on public.t using gin (a public.gin_trgm_ops)",
      'create index i on "t_a".t using gin (a "aibos_extensions".gin_trgm_ops)',
    ],
    ["select a operator(public.@>) b", 'select a operator("aibos_extensions".@>) b'],
    ["alter table t set schema public", 'alter table t set schema "t_a"'],
    ["comment on schema public is 'public.x'", "comment on schema \"t_a\" is 'public.x'"],
    ["select nextval('public.s'::regclass)", "select nextval('\"t_a\".s'::regclass)"],
    ["select setval('public.s', 3)", "select setval('\"t_a\".s', 3)"],
    ["select to_regclass('public.\"Notes\"')", 'select to_regclass(\'"t_a"."Notes"\')'],
    ["select 'public.f(int)'::regprocedure", "select '\"t_a\".f(int)'::regprocedure"],
    ["select cast('public.t' as regclass)", "select cast('\"t_a\".t' as regclass)"],
    ["select regclass 'public.t'", "select regclass '\"t_a\".t'"],
    ["select ('public.t'::text)::regclass", "select ('\"t_a\".t'::text)::regclass"],
    ["select 1 where table_schema = 'public'", "select 1 where table_schema = 't_a'"],
    ["select 1 where n.nspname not in ('x', 'public')", "select 1 where n.nspname not in ('x', 't_a')"],
    ["select 1 where 'public' = t.schemaname", "select 1 where 't_a' = t.schemaname"],
    ["select 1 where connamespace = 'public'::regnamespace", "select 1 where connamespace = 't_a'::regnamespace"],
    ["alter table public.t owner to postgres", 'alter table "t_a".t owner to current_user'],
    ['alter function public.f(public.t) owner to "Me"', 'alter function "t_a".f("t_a".t) owner to current_user'],
    [
      "create function public.f() returns int language sql set search_path = public, pg_temp as 'select public.g()'",
      'create function "t_a".f() returns int language sql set search_path = "t_a", aibos_extensions, pg_temp as \'select "t_a".g()\'',
    ],
    [
      "create function f() returns text language sql set search_path to '' as $_$ select public.unaccent('public.unaccent', $1) $_$",
      "create function f() returns text language sql set search_path to '' as $_$ select \"aibos_extensions\".unaccent('\"aibos_extensions\".unaccent', $1) $_$",
    ],
    [
      "do $$ begin if exists (select 1 from shown where schemaname = 'public') then execute 'drop table public.' || x; end if; end $$",
      "do $$ begin if exists (select 1 from shown where schemaname = 't_a') then execute 'drop table \"t_a\".' || x; end if; end $$",
    ],
    [
      "do $$ begin execute format('alter table public.%I add a int', t); execute format('drop table %I.%I', 'public', t); end $$",
      "do $$ begin execute format('alter table \"t_a\".%I add a int', t); execute format('drop table %I.%I', 't_a', t); end $$",
    ],
    [
      "do $a$ declare q text := 'update public.t set a = 1'; begin execute q; execute $b$ delete from public.t $b$; end $a$",
      'do $a$ declare q text := \'update "t_a".t set a = 1\'; begin execute q; execute $b$ delete from "t_a".t $b$; end $a$',
    ],
    [
      "create function f() returns text language sql begin atomic select body from public.notes; end",
      'create function f() returns text language sql begin atomic select body from "t_a".notes; end',
    ],
    ["select 'é', public.f()", "select 'é', \"t_a\".f()"],
  ])("brings what is called public to the tenant's schema: %s", async (sql, expected) => {
    expect(await qualify(sql)).toBe(expected);
  });

  it.each([
    "grant select on t to public",
    "revoke all on function f() from public",
    "create table t (public boolean default false)",
    "select t.public, public from t",
    "update t set visibility = 'public' where visibility <> 'public'",
    "insert into t values ('public.notes', 'public')",
    "insert into pages (sql) values ('select * from public.notes')",
    "-- public.notes\nselect 1 /* public.notes */",
    "comment on table t is 'public.t'",
    "do $$ begin raise notice 'drop table public.t'; end $$",
    "create function f() returns int language plpython3u as $$ public.x = 1 $$",
    "select 'it''s public.x'",
    "select E'public.x\\n'",
    'select "public.x" from t',
  ])("leaves alone: %s", async (sql) => {
    expect(await qualify(sql)).toBe(sql);
  });

  it("adds and takes no line", async () => {
    const sql = "select\n  public.a\n  from\n public\n.\nb;";
    expect((await qualify(sql)).split("\n")).toHaveLength(sql.split("\n").length);
  });
});
