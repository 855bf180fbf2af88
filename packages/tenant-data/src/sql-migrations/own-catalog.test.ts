import { describe, expect, it } from "vitest";
import { qualifyNames } from "./qualify-names.ts";

const place = { schema: "t_a", names: new Set(["public"]), extensionNames: new Map<string, string>() };
const seen = "any (pg_catalog.current_schemas(true))";
const inSeen = `in (select n.oid from pg_catalog.pg_namespace n where n.nspname = ${seen})`;
const types = `(select * from pg_catalog.pg_type where typnamespace ${inSeen})`;
const classes = `(select * from pg_catalog.pg_class where relnamespace ${inSeen})`;
const columns = `(select * from information_schema.columns where table_schema = ${seen})`;

describe("a query of the catalogs", () => {
  it.each([
    ["select 1 from pg_type where typname = 'mood'", `select 1 from ${types} pg_type where typname = 'mood'`],
    ["select 1 from pg_catalog.pg_type as t", `select 1 from ${types} as t`],
    ["select 1 from pg_type typ", `select 1 from ${types} typ`],
    ["select 1 from x join pg_type on true", `select 1 from x join ${types} pg_type on true`],
    ["select 1 from pg_namespace n, pg_class c", `select 1 from pg_namespace n, ${classes} c`],
    ["select 1 from (pg_class c cross join pg_type)", `select 1 from (${classes} c cross join ${types} pg_type)`],
    ["select pg_type from x", "select pg_type from x"],
    ["select 1 from x where a is distinct from pg_type.a", "select 1 from x where a is distinct from pg_type.a"],
    ["select * from pg_class('x')", "select * from pg_class('x')"],
    [
      "with x as (select column_name from information_schema.columns) select * from x",
      `with x as (select column_name from ${columns} columns) select * from x`,
    ],
    [
      "do $$ declare r record; begin for r in select * from information_schema.columns loop null; end loop; end $$",
      `do $$ declare r record; begin for r in select * from ${columns} columns loop null; end loop; end $$`,
    ],
    [
      "do $$ begin if (select count(*) from pg_trigger where tgname = 'x') > 0 then execute 'select 1 from pg_type'; end if; end $$",
      `do $$ begin if (select count(*) from (select * from pg_catalog.pg_trigger where tgrelid in (select c.oid from pg_catalog.pg_class c where c.relnamespace ${inSeen})) pg_trigger where tgname = 'x') > 0 then execute 'select 1 from ${types} pg_type'; end if; end $$`,
    ],
    // A view is as it was written; so is a function that names its schemas.
    ["create view v as select * from pg_type", "create view v as select * from pg_type"],
    [
      "create function f() returns int set search_path = '' language sql as 'select 1 from pg_class'",
      "create function f() returns int set search_path = '' language sql as 'select 1 from pg_class'",
    ],
    [
      "create function f() returns int language sql as 'select 1 from pg_class'",
      `create function f() returns int language sql as 'select 1 from ${classes} pg_class'`,
    ],
  ])("sees what is the tenant's: %s", async (sql, expected) => {
    expect(await qualifyNames(sql, place)).toBe(expected);
  });
});
