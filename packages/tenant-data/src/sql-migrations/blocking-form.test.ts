import { expect, test } from "vitest";
import { blockingForm } from "./blocking-form.ts";
import { splitStatements } from "./split-statements.ts";

async function formOf(sql: string): Promise<string> {
  const [statement] = await splitStatements("001_a.up.sql", sql);
  return statement === undefined ? "" : blockingForm(statement);
}

test.each([
  ["create index concurrently on t (a)", "create index              on t (a)"],
  ["CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "CREATE UNIQUE INDEX              i ON t (a)"],
  ["create index concurrently if not exists i on t (a)", "create index              if not exists i on t (a)"],
  ["drop index concurrently i, j", "drop index              i, j"],
  ["reindex index concurrently i", "reindex index              i"],
  ["alter table t detach partition p concurrently", "alter table t detach partition p             "],
  [
    "create /* café concurrently */ index\n concurrently i on t (a)",
    "create /* café concurrently */ index\n              i on t (a)",
  ],
])("an index is made at once, and every position stays: %s", async (sql, expected) => {
  expect(await formOf(sql)).toBe(expected);
});

test.each([
  "select 1",
  "select 'create index concurrently on t (a)'",
  'create index "concurrently" on t (a)',
  "create table concurrently_named (a integer)",
  "comment on table a is 'create index concurrently'",
  "refresh materialized view concurrently v",
  "reindex (concurrently, verbose) table t",
  "reindex table t",
])("everything else stays as it is: %s", async (sql) => {
  expect(await formOf(sql)).toBe(sql);
});
