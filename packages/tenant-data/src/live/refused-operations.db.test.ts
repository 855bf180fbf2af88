import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { fingerprintSchema, type SchemaFingerprint } from "../fingerprint/fingerprint-schema.ts";
import { OPERATION_KINDS, type OperationKind } from "../operations/operation.ts";
import { createLiveWorld, type LiveWorld, release } from "./testing/live-world.ts";

const GIVEN = `create table t (id int primary key, v text not null, w int, unique (v, w), constraint w_small check (w < 9));
  create table u (id int, g int generated always as (id * 2) stored); create index t_w on t (w); insert into t values (1, 'a', 2)`;

const column = (name: string, more: object = {}): object => ({ name, type: "int", nullable: true, ...more });

/** For each operation, what can't be done, and how that is told. */
const REFUSED: readonly [OperationKind, object, string][] = [
  ["create_table", { name: "t", columns: [column("id")] }, 'there is a table "t" already'],
  [
    "create_table",
    {
      name: "n",
      columns: [column("id", { pk: true })],
      constraints: [{ name: "k", type: "primary_key", columns: ["id"] }],
    },
    "declares its primary key twice",
  ],
  ["create_table", { name: "n", columns: [column("id", { type: "nothing" })] }, 'type "nothing" does not exist'],
  ["rename_table", { from: "t", to: "u" }, 'there is a table "u" already'],
  ["drop_table", { name: "n" }, 'there is no table "n"; there are t, u.'],
  ["add_column", { table: "t", column: column("v") }, 'has a column "v" already'],
  ["add_column", { table: "t", column: column("n", { generated: { identity: {} } }) }, "filling it would rewrite"],
  ["add_column", { table: "t", column: column("n", { pk: true }) }, 'table "t" has a primary key'],
  ["add_column", { table: "t", column: column("n", { nullable: false }) }, 'give "up" or "default"'],
  ["add_column", { table: "t", column: column("n", { default: "nobody()" }) }, "function nobody() does not exist"],
  [
    "add_column",
    { table: "t", column: column("n", { references: { name: "r", table: "t", column: "x" } }) },
    'has no column "x" to refer to',
  ],
  ["alter_column", { table: "t", column: "w" }, "it changes nothing"],
  ["alter_column", { table: "t", column: "w", nullable: false }, 'give "up" to say what column "w" gets'],
  ["alter_column", { table: "t", column: "v", nullable: true }, 'give "down" to say what it gets'],
  ["alter_column", { table: "u", column: "g", type: "bigint" }, "is generated from others"],
  ["alter_column", { table: "t", column: "w", type: "int, drop column v" }, 'the type of column "w" is not'],
  ["rename_column", { table: "t", from: "v", to: "w" }, 'has a column "w" already'],
  ["drop_column", { table: "t", column: "v" }, 'give "down" to say what it gets'],
  ["drop_column", { table: "t", column: "x" }, 'has no column "x"; it has id, v, w.'],
  ["create_index", { table: "t", name: "t_w", columns: ["w"] }, 'there is an index or table "t_w" already'],
  ["create_index", { table: "t", name: "n", columns: ["x"] }, 'has no column "x"'],
  ["drop_index", { name: "n" }, 'there is no index "n"'],
  ["drop_index", { name: "t_pkey" }, 'belongs to constraint "t_pkey"'],
  ["create_constraint", { table: "t", name: "w_small", type: "check", columns: ["w"], check: "w > 0" }, "already"],
  ["create_constraint", { table: "t", name: "n", type: "check", columns: ["w"], check: "x > 0" }, '"x" does not exist'],
  ["create_constraint", { table: "t", name: "n", type: "unique" }, 'needs "columns"'],
  ["create_constraint", { table: "t", name: "n", type: "foreign_key", columns: ["w"] }, 'needs "references"'],
  ["create_constraint", { table: "t", name: "n", type: "unique", columns: ["w"], up: { v: "v" } }, '"v" is none of w'],
  ["create_constraint", { table: "t", name: "n", type: "primary_key", columns: ["w"] }, "has a primary key"],
  ["drop_constraint", { table: "t", name: "n" }, 'has no constraint "n"'],
  ["drop_constraint", { table: "t", name: "t_v_w_key" }, 'use "drop_multi_column_constraint"'],
  ["drop_multi_column_constraint", { table: "t", name: "n" }, 'has no constraint "n"'],
  ["drop_multi_column_constraint", { table: "t", name: "t_v_w_key", up: { id: "id" } }, '"id" is none of v, w'],
  ["rename_constraint", { table: "t", from: "n", to: "m" }, 'has no constraint "n"'],
  ["rename_constraint", { table: "t", from: "t_pkey", to: "w_small" }, 'has a constraint "w_small" already'],
  ["set_replica_identity", { table: "t", identity: { type: "index", index: "t_w" } }, 'has no unique index "t_w"'],
  ["set_replica_identity", { table: "t", identity: { type: "index" } }, "needs the name of a unique index"],
  ["sql", { up: "creat table n ()" }, "it is not SQL"],
  ["sql", { up: "drop table n" }, 'table "n" does not exist'],
  ["sql", { up: "vacuum t" }, "can't run inside a transaction"],
  ["sql", { up: "select 1", down: "select 2", onComplete: true }, 'leave "down" out'],
];

let world: LiveWorld;
let before: SchemaFingerprint;
beforeAll(async () => {
  world = await createLiveWorld();
  await world.given(GIVEN);
  before = await fingerprintSchema(world.client, world.schema);
});
afterAll(() => world[Symbol.asyncDispose]());

describe.each(REFUSED)("%s %j", (kind, fields, message) => {
  it(`is refused, with nothing changed: ${message}`, async () => {
    const wanted = release("2", [{ [kind]: fields }]);
    const { findings } = await world.live.validate("1", wanted);
    const errors = findings.filter(({ severity }) => severity === "error").map((finding) => finding.message);
    const reason = await world.live.start("1", wanted).then(
      () => "it was started",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    expect(reason).toContain(message);
    expect(reason).toContain(`001_change.yaml, operation 1 (${kind})`);
    expect(errors).toEqual([reason]);
    expect(await fingerprintSchema(world.client, world.schema)).toEqual(before);
  });
});

test("every operation has a case", () => {
  expect([...new Set(REFUSED.map(([kind]) => kind))].toSorted()).toEqual(OPERATION_KINDS.toSorted());
});
