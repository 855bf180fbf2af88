import { describe, expect, it } from "vitest";
import { planHistory } from "./plan-history.ts";
import { qualifyNames } from "./qualify-names.ts";
import { parseSqlMigrations } from "./sql-migration.ts";

function history(...contents: string[]) {
  return parseSqlMigrations(contents.map((content, index) => ({ path: `00${index + 1}_a.up.sql`, content })));
}
const plan = async (...contents: string[]) => (await planHistory([], history(...contents))).plans;

const place = { schema: "t_a", names: new Set(["public", "auth", "r"]), extensionNames: new Map([["citext", "x"]]) };

describe("the schemas of a history", () => {
  it("are what its files make, from there on, and where they have their extensions", async () => {
    const plans = await plan("select 1", "create schema if not exists auth", "create extension citext with schema ext");
    expect(plans.map(({ schemas }) => [...schemas.names])).toEqual([
      ["public"],
      ["public", "auth"],
      ["public", "auth", "ext"],
    ]);
    expect(plans.flatMap(({ notices }) => notices)).toEqual([
      "002_a.up.sql:1: left out, because the tenant's schema stands for auth",
    ]);
  });

  it.each([
    "set search_path to auth, public",
    "select set_config('search_path', 'auth', false)",
    "comment on schema auth is 'x'",
    "alter table notes set schema auth",
    "drop schema auth",
    "drop schema if exists gone cascade",
  ])("stand for the tenant's own: %s", async (statement) => {
    const plans = await plan("create schema auth; create table notes (a int)", statement);
    expect(plans[1]?.statements).toEqual([]);
    expect(plans[1]?.notices).toEqual([expect.stringMatching(/tenant's schema/)]);
  });

  it.each(["drop schema other", "alter table t set schema other", "set search_path to other", "drop schema public"])(
    "are known when they are named: %s",
    async (statement) => {
      await expect(plan("create schema auth", statement)).rejects.toThrow(/002_a\.up\.sql:1: .*is one schema/);
    },
  );

  it("can't have the same name twice", async () => {
    const twice = plan(
      "create table users (a int)",
      "create schema auth;\ncreate table if not exists auth.users (b int)",
    );
    await expect(twice).rejects.toThrow(
      "002_a.up.sql:2: auth.users and public.users would be the same: a tenant's data for a module is one schema",
    );
    await plan("create table users (a int); create schema auth; drop table users; create table auth.users (b int)");
    await plan(
      "create table old (a int); create schema auth; alter table old rename to new; create view auth.old as select 1",
    );
  });

  it.each([
    ["create table auth.users (e auth.citext)", 'create table "t_a".users (e "x".citext)'],
    ["select auth.users.id, r.f() from auth.users", 'select "t_a".users.id, "t_a".f() from "t_a".users'],
    // An alias of the same name.
    ["select r.id, auth.f() from rates r", 'select r.id, "t_a".f() from rates r'],
    [
      "create function f() returns int language sql set search_path = auth, public as $$ select auth.g() $$",
      'create function f() returns int language sql set search_path = "t_a", aibos_extensions, "t_a", aibos_extensions as $$ select "t_a".g() $$',
    ],
    ["select nextval('auth.s'), 'AUTH.users'::regclass", "select nextval('\"t_a\".s'), '\"t_a\".users'::regclass"],
    ["select 1 where table_schema = 'auth'", "select 1 where table_schema = 't_a'"],
    ["select 'auth.users', 'auth'", "select 'auth.users', 'auth'"],
  ])("are written as the tenant's: %s", async (sql, expected) => {
    expect(await qualifyNames(sql, place)).toBe(expected);
  });
});
