import { describe, expect, it } from "vitest";
import { checkStatements } from "./check-statements.ts";
import { parseSqlMigrations } from "./sql-migration.ts";

function check(sql: string, down?: string): Promise<void> {
  const files = [{ path: "001_a.up.sql", content: sql }];
  if (down !== undefined) files.push({ path: "001_a.down.sql", content: down });
  return checkStatements(parseSqlMigrations(files));
}

const ROLES = "this statement is not allowed: roles are the platform's";
const DATABASES = "this statement is not allowed: databases are the platform's";
const TRANSACTION = "this statement is not allowed: each file runs in one transaction that the platform opens and ends";
const SCHEMA = "this statement is not allowed: a tenant's data for a module is one schema, which the platform makes";
const CONCURRENTLY =
  "CONCURRENTLY can't run in a transaction; the tenant's requests are held meanwhile, so leave it out";
const SERVER_FILE = "COPY with a file or program of the server is not allowed";

describe("checkStatements", () => {
  it.each([
    ["begin", TRANSACTION],
    ["start transaction", TRANSACTION],
    ["commit", TRANSACTION],
    ["end", TRANSACTION],
    ["rollback", TRANSACTION],
    ["abort", TRANSACTION],
    ["savepoint s", TRANSACTION],
    ["release s", TRANSACTION],
    ["rollback to s", TRANSACTION],
    ["prepare transaction 'x'", TRANSACTION],
    ["commit prepared 'x'", TRANSACTION],
    ["CoMmIt AnD cHaIn", TRANSACTION],
    ["set role postgres", "role can't be set: role and schema are the platform's"],
    ["set local role none", "role can't be set: role and schema are the platform's"],
    ["reset role", "role can't be set: role and schema are the platform's"],
    ["SET ROLE TO postgres", "role can't be set: role and schema are the platform's"],
    ['set "ROLE" to postgres', "ROLE can't be set: role and schema are the platform's"],
    ["set session authorization postgres", "session_authorization can't be set: role and schema are the platform's"],
    ["reset session authorization", "session_authorization can't be set: role and schema are the platform's"],
    ["set search_path to public", "search_path can't be set: role and schema are the platform's"],
    ["set schema 'public'", "search_path can't be set: role and schema are the platform's"],
    ["set row_security = off", "row_security can't be set: role and schema are the platform's"],
    ["reset all", "RESET ALL can't be set: role and schema are the platform's"],
    ["discard all", "this statement is not allowed: the session is the platform's"],
    ["create role r", ROLES],
    ["create user u", ROLES],
    ["alter role r superuser", ROLES],
    ["alter role r set search_path = x", ROLES],
    ["drop role r", ROLES],
    ["grant a to b", ROLES],
    ["revoke a from b", ROLES],
    ["create database d", DATABASES],
    ["drop database d", DATABASES],
    ["alter database d set x = 1", DATABASES],
    ["create schema s", SCHEMA],
    ["drop schema t__acme__books cascade", SCHEMA],
    ["create extension hstore", "this statement is not allowed: extensions are the operator's"],
    ["alter system set fsync = off", "this statement is not allowed: the server's settings are the operator's"],
    ["load 'x'", "this statement is not allowed: libraries are the operator's"],
    ["checkpoint", "this statement is not allowed: the server's work is the operator's"],
    ["vacuum t", "VACUUM can't run in a transaction with other changes"],
    ["create publication p", "this statement is not allowed: replication is the operator's"],
    ["reindex index concurrently i", CONCURRENTLY],
    ["copy t from '/etc/passwd'", SERVER_FILE],
    ["copy t to '/tmp/x'", SERVER_FILE],
    ["copy t to program 'sh'", SERVER_FILE],
    ["do $$ begin commit; end $$ language plpgsql; commit", TRANSACTION],
  ])("refuses %s", async (sql, reason) => {
    await expect(check(`create table a (n integer);\n\n${sql};`)).rejects.toThrow(reason);
  });

  it.each([
    "create table a (n integer); insert into a values (1)",
    "create function f() returns trigger language plpgsql as $$ begin return new; end $$",
    "comment on table a is 'begin; commit; set role x'",
    "-- commit;\n/* set role x; */ select ';commit;'",
    "set local lock_timeout = '5s'",
    "set constraints all deferred",
    "grant select on t to public",
    "drop index i; reindex index i",
    "reindex table concurrently_named",
    "refresh materialized view concurrently v",
  ])("takes %s", async (sql) => {
    await expect(check(sql)).resolves.toBeUndefined();
  });

  it("names file and line of the statement, after comments, blank lines and letters of several bytes", async () => {
    const sql =
      "-- für Käufer 🌍\ncreate table a (n text default 'ü;\n\n');\n\n-- why\n/* more\n */\n  commit;\nselect 1;";
    await expect(check(sql)).rejects.toMatchObject({ code: "AIBOS_MIGRATION_FILE", file: "001_a.up.sql", line: 9 });
    await expect(check(sql)).rejects.toThrow(`001_a.up.sql:9: ${TRANSACTION}.`);
  });

  it("names the line of what PostgreSQL's parser does not understand", async () => {
    await expect(check("select 'für 🌍';\n\ncreate tabel a ();")).rejects.toThrow(
      '001_a.up.sql:3: syntax error at or near "tabel".',
    );
    await expect(check("select 1;\nselect 'open")).rejects.toThrow(/^001_a\.up\.sql:2: unterminated quoted string/);
  });

  it("reads down files too", async () => {
    await expect(check("select 1", "select 1;\nrollback;")).rejects.toThrow("001_a.down.sql:2: ");
  });
});
