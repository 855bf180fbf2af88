import { expect, it } from "vitest";
import { moveNames } from "./move-names.ts";

const names = { from: "t__acme__books", to: "rp__1" };

it.each([
  ["create index i on t (t__acme__books.upper(a))", 'create index i on t ("rp__1".upper(a))'],
  ['create index i on t ("t__acme__books" . upper(a))', 'create index i on t ("rp__1" . upper(a))'],
  ["comment on table t is 't__acme__books.upper'", "comment on table t is 't__acme__books.upper'"],
  ["create function f() returns int as $$ select t__acme__books.g() $$", undefined],
  ["create view v as select x.t__acme__books.a, t__acme__books from x", undefined],
])("a name that stands with the schema gets the other schema's name: %s", async (statement, moved) => {
  expect(await moveNames(statement, names)).toBe(moved ?? statement);
});
