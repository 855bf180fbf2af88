import { expect, test } from "vitest";
import { blockingForm } from "./blocking-form.ts";

test.each([
  ["create index concurrently on t (a)", "create index              on t (a)"],
  ["CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);", "CREATE UNIQUE INDEX              i ON t (a);"],
  ["create index concurrently if not exists i on t (a)", "create index              if not exists i on t (a)"],
  ["drop index concurrently i, j", "drop index              i, j"],
  [
    "-- café\n/* concurrently */ create index\n concurrently i on t (a)",
    "-- café\n/* concurrently */ create index\n              i on t (a)",
  ],
])("an index is made at once, and every position stays: %s", async (sql, expected) => {
  expect(await blockingForm(sql)).toBe(expected);
});

test.each([
  "select 1",
  "select 'create index concurrently on t (a)'",
  'create index "concurrently" on t (a)',
  "create table concurrently_named (a integer); comment on table concurrently_named is 'create index concurrently'",
  "refresh materialized view concurrently v",
  "reindex index concurrently i",
])("everything else stays as it is: %s", async (sql) => {
  expect(await blockingForm(sql)).toBe(sql);
});
