import { describe, expect, it } from "vitest";
import { checkMigrations } from "../migrations/check-migrations.ts";
import { planSqlFile } from "./plan-sql-file.ts";
import { parseSqlMigrations } from "./sql-migration.ts";

const plan = (sql: string) => planSqlFile({ file: "001_a.up.sql", sql, checksum: "" });

const ROLES = "roles and their rights are the platform's";
const EXTENSIONS = "extensions are shared by all tenants of the database";
const SESSION = "the session is the platform's";
const SEARCH_PATH = "the search path is the tenant's schema";
const DATABASES = "databases are the operator's";
const SCHEMA = "a tenant's data for a module is one schema, which the platform makes";
const REPLICATION = "replication is the operator's";

describe("planSqlFile", () => {
  it.each([
    ["set role postgres", ROLES],
    ['SET "role" TO postgres', ROLES],
    ["reset role", ROLES],
    ["set session authorization 'postgres'", ROLES],
    ["create role r superuser", ROLES],
    ["create user u", ROLES],
    ["alter role r superuser", ROLES],
    ["alter role r set search_path = x", ROLES],
    ["drop role r", ROLES],
    ["grant a to b", ROLES],
    ["grant select on t to reader, public", ROLES],
    ["grant all on schema public to public", ROLES],
    ["revoke create on schema public from public", ROLES],
    ["alter default privileges in schema public grant select on tables to reader", ROLES],
    ["drop owned by current_user", ROLES],
    ["reassign owned by a to b", ROLES],
    ["alter schema public owner to postgres", ROLES],
    ["reset all", SESSION],
    ["discard all", SESSION],
    ["set search_path to public", SEARCH_PATH],
    ['set search_path to "$user", public, pg_catalog', SEARCH_PATH],
    ["set search_path = ''", SEARCH_PATH],
    ["reset search_path", SEARCH_PATH],
    ["set schema 'public'", SEARCH_PATH],
    ["select pg_catalog.set_config('search_path', '', false)", SEARCH_PATH],
    ["set client_encoding = 'LATIN1'", "files are UTF-8"],
    ["set default_with_oids = false", "PostgreSQL has no such setting any more"],
    ["create schema if not exists public", "the tenant's schema stands for public"],
    ["create schema s authorization postgres", "the tenant's schema stands for s"],
    ["comment on extension citext is 'x'", "what it describes is not the tenant's alone"],
    ["alter extension citext update", EXTENSIONS],
    ["drop extension if exists citext", EXTENSIONS],
    ["create or replace procedural language plpgsql", "plpgsql is there already"],
    ["create extension if not exists plpgsql with schema pg_catalog", "plpgsql is there already"],
    ["alter database d set timezone to 'UTC'", DATABASES],
    ["checkpoint", "the server's work is the operator's"],
    ["\\restrict x", undefined],
    ["\\set ON_ERROR_STOP on", undefined],
  ])("leaves out, with a notice: %s", async (sql, reason) => {
    const { statements, notices } = await plan(`select 1;\n\n${sql}${sql.startsWith("\\") ? "\n" : ";"}`);
    expect(statements).toHaveLength(1);
    expect(notices).toEqual(reason === undefined ? [] : [`001_a.up.sql:3: left out, because ${reason}`]);
  });

  it.each([
    ["prepare transaction 'x'", "a prepared transaction would outlive the file"],
    ["create database d", DATABASES],
    ["drop database d", DATABASES],
    ["alter database d owner to x", DATABASES],
    ["create schema public create table t (n integer)", SCHEMA],
    ["drop schema public cascade", SCHEMA],
    ["alter schema public rename to x", SCHEMA],
    ["set search_path to public, other", `${SCHEMA}; there is no other`],
    ["alter system set fsync = off", "the server's settings are the operator's"],
    ["load 'x'", "libraries are the operator's"],
    ["create tablespace x location '/tmp'", "tablespaces are the operator's"],
    ["create publication p", REPLICATION],
    ["create subscription s connection '' publication p", REPLICATION],
    ["copy t from '/etc/passwd'", "a file or program of the server is the operator's"],
    ["copy t to program 'sh'", "a file or program of the server is the operator's"],
    ["copy t to stdout", "nobody would read what COPY … TO STDOUT writes"],
    ["set standard_conforming_strings = off", "files are read with standard_conforming_strings on"],
  ])("refuses %s", async (sql, reason) => {
    await expect(plan(`create table a (n integer);\n\n${sql};`)).rejects.toThrow(
      `001_a.up.sql:3: this statement is not allowed: ${reason}.`,
    );
  });

  it("refuses commands of psql that would do something, with their line", async () => {
    await expect(plan("select 1;\n\\i other.sql\n")).rejects.toThrow(
      '001_a.up.sql:2: "\\i" is a command of psql, not SQL.',
    );
    await expect(plan("copy t from stdin;\n1\tx\n")).rejects.toThrow(
      '001_a.up.sql:1: the rows of a COPY must end with a line "\\.".',
    );
  });

  it.each([
    ["plain statements", "create table a (n integer); insert into a values (1)", true],
    ["nothing", "-- nothing\n", true],
    ["indexes made concurrently", "create index concurrently on t (a); drop index concurrently i", true],
    ["a frame of its own", "-- why\nset lock_timeout = 1; begin; select 1; commit;", true],
    ["savepoints", "begin; savepoint s; select 1; rollback to s; release s; commit", true],
    ["words in strings and comments", "-- commit;\nselect 'commit; vacuum';", true],
    ["a new value that nobody names", "alter type e add value 'b'; select 'c'", true],
    ["a transaction with a level", "begin isolation level serializable; select 1; commit", false],
    ["several transactions", "begin; select 1; commit; begin; select 2; commit", false],
    ["half a transaction", "select 1; commit", false],
    ["a rollback", "begin; select 1; rollback", false],
    ["VACUUM", "vacuum t", false],
    ["ANALYZE", "analyze t", true],
    ["CLUSTER of all", "cluster", false],
    ["REINDEX of a schema", "reindex schema public", false],
    ["REINDEX with options", "reindex (concurrently) table t", false],
    ["a block that commits", "do $$ begin update t set a = 1; commit; end $$", false],
    ["a block that speaks of it", "do $$ begin raise notice 'commit;'; end $$", true],
    ["a new value that is used", "alter type e add value 'b'; update t set e = 'b'", false],
    ["a new value that a function names", "alter type e add value 'b'; do $$ begin perform 'b'::e; end $$", false],
  ])("tells whether a file with %s can be one transaction", async (_, sql, expected) => {
    expect((await plan(sql)).oneTransaction).toBe(expected);
  });

  it("finds the extensions that a file needs, and those that its blocks ask for", async () => {
    const { extensions } = await plan(`create extension if not exists "uuid-ossp" with schema public;
      do $$ begin create extension if not exists citext; execute 'create extension hstore'; end $$;
      select 'create extension pg_trgm'`);
    expect(extensions.map(({ name, line, required }) => [name, line, required])).toEqual([
      ["uuid-ossp", 1, true],
      ["citext", 2, false],
      ["hstore", 2, false],
    ]);
  });

  it("takes the rows of pg_dump's COPY, whatever they look like", async () => {
    const rows = "1\t\\N\n\\\\x\tselect ';\n-- $$ it's\t\n";
    const { statements } = await plan(
      `copy public.t (a, b) from stdin;\n${rows}\\.\n\n\nselect 'from stdin;\n';\ncopy public.u from stdin with delimiter ';' null '';\n\\.\nselect 2`,
    );
    expect(statements.map(({ type, rows: data, line }) => [type, data, line])).toEqual([
      ["CopyStmt", rows, 1],
      ["SelectStmt", undefined, 8],
      ["CopyStmt", "", 10],
      ["SelectStmt", undefined, 12],
    ]);
  });

  it("names file and line of the statement, after comments, blank lines and letters of several bytes", async () => {
    const sql =
      "-- für Käufer 🌍\ncreate table a (n text default 'ü;\n\n');\n\n-- why\n/* more\n */\n  create database s;\nselect 1;";
    await expect(plan(sql)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_FILE", file: "001_a.up.sql", line: 9 });
  });

  it("names the line of what PostgreSQL's parser does not understand", async () => {
    await expect(plan("select 'für 🌍';\n\ncreate tabel a ();")).rejects.toThrow(
      '001_a.up.sql:3: syntax error at or near "tabel".',
    );
    await expect(plan("select 1;\nselect 'open")).rejects.toThrow(/^001_a\.up\.sql:2: unterminated quoted string/);
  });
});

describe("checkStatements", () => {
  it("reads down files too", async () => {
    const migrations = parseSqlMigrations([
      { path: "001_a.up.sql", content: "select 1" },
      { path: "001_a.down.sql", content: "select 1;\ndrop schema public;" },
    ]);
    await expect(checkMigrations(migrations)).rejects.toThrow("001_a.down.sql:2: ");
  });
});
