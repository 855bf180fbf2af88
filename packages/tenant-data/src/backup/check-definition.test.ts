import { describe, expect, it } from "vitest";
import { checkDefinition, DefinitionNotAllowed } from "./check-definition.ts";

const ALLOWED = [
  "create table notes (id bigint)",
  'create unlogged table "do" (id bigint)',
  "create unique index notes_id on notes (id)",
  "CREATE UNIQUE INDEX notes_id ON notes USING btree (id)",
  "alter table only notes add constraint notes_key primary key (id)",
  "alter table notes add check (id > 0)",
  "create or replace function f() returns void language plpgsql as $$ begin perform 1; end $$",
  "create function f() returns integer language sql begin atomic select 1; select case when true then 2 end; end",
  "CREATE RULE r AS ON DELETE TO notes DO ALSO (insert into log values (1); insert into log values (2))",
  "create materialized view totals as select count(*) from notes",
  "create policy p on notes using (true)",
  "create type mood as enum (';', 'sad')",
  "create type address as (street text)",
  "create aggregate product (float8) (sfunc = float8mul, stype = float8)",
  "alter domain percent add constraint c check (value > 0) not valid",
  "alter sequence s owned by notes.id",
  "comment on table notes is 'one; two'",
  "grant select on notes to public",
  "revoke all on function f() from public",
];

const REFUSED = [
  "",
  "do $$ begin end $$",
  "reset role",
  "set role postgres",
  "commit",
  "create table a (); drop table b",
  "create function f() returns integer language sql begin atomic select 1 case; end; do $$ begin end $$",
  "create rule r as on delete to notes do also nothing; reset role",
  "create temp table notes (id bigint)",
  "create table pg_temp.notes (id bigint)",
  "create function public.f() returns void language sql as ''",
  "create extension dblink",
  "create role other",
  "create event trigger e on ddl_command_end execute function f()",
  "create schema other",
  "copy notes from program 'id'",
  "grant owner to public",
  'grant "on" to public',
  "alter role owner superuser",
  "alter system set log_statement = 'none'",
  "alter default privileges grant all on tables to public",
  "select 1",
  "insert into notes values (1)",
  "drop table notes",
  "create type a as enum ('",
];

describe("a definition in a backup", () => {
  it.each(ALLOWED)("may be: %s", async (statement) => {
    await expect(checkDefinition(statement)).resolves.toBeUndefined();
  });

  it.each(REFUSED)("may not be: %s", async (statement) => {
    await expect(checkDefinition(statement)).rejects.toBeInstanceOf(DefinitionNotAllowed);
  });
});
