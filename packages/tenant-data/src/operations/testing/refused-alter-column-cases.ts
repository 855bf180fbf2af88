import type { OperationCase } from "./operation-case.ts";

export const PAYMENTS = `create table payments (id integer generated always as identity primary key,
    amount text not null check (amount <> ''), note text, state text not null default 'open', owner integer, size integer);
  create table owners (id integer primary key); create index payments_amount on payments (amount);
  insert into owners values (1), (2);
  insert into payments (amount, note, owner) values ('10', 'n', 1), ('20', null, 9)`;

export function alter(column: string, changes: object): object {
  return { alter_column: { table: "payments", column, ...changes } };
}

export const REFUSED_ALTER_COLUMN_CASES: readonly OperationCase[] = [
  {
    operation: "alter_column",
    name: "an expression that fails for a row",
    given:
      "create table t (id int primary key, v text); insert into t select n, n::text from generate_series(1, 500) n; update t set v = 'x' where id = 321",
    migrations: [{ alter_column: { table: "t", column: "v", type: "integer", up: "v::integer", down: "v::text" } }],
    expectedBackfillError: `Table "t", row {"id": 321}, can't be brought to 2: invalid input syntax for type integer: "x". The "up" of column "v" is: "v"::integer.`,
  },
  {
    operation: "alter_column",
    name: "values that are not unique",
    given: "create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'a')",
    migrations: [{ alter_column: { table: "t", column: "v", unique: { name: "v_once" }, up: "v", down: "v" } }],
    expectedBackfillError: 'building index "v_once" on "t" failed',
  },
  {
    operation: "alter_column",
    name: "values that a check refuses",
    given: "create table t (id int primary key, v int); insert into t values (1, 1), (2, -1)",
    migrations: [
      {
        alter_column: { table: "t", column: "v", check: { name: "v_given", constraint: "v > 0" }, up: "v", down: "v" },
      },
    ],
    expectedBackfillError: `Table "t", row {"id": 2}, can't be brought to 2: new row for relation "t" violates check constraint "v_given"`,
  },
  {
    operation: "alter_column",
    name: "an expression that leaves nulls",
    given: "create table t (id int primary key, v int); insert into t values (1, 1), (2, null)",
    migrations: [{ alter_column: { table: "t", column: "v", nullable: false, up: "v", down: "v" } }],
    expectedBackfillError: `Table "t", row {"id": 2}, can't be brought to 2`,
  },
  {
    operation: "alter_column",
    name: "values that refer to nothing",
    given: "create table t (id int primary key, v int); insert into t values (1, 1), (2, 9)",
    migrations: [
      {
        alter_column: {
          table: "t",
          column: "v",
          references: { name: "v_t", table: "t", column: "id" },
          up: "v",
          down: "v",
        },
      },
    ],
    expectedBackfillError: "v_t",
  },
  ...(
    [
      ["nothing", "size", {}, "it changes nothing"],
      ["a column that is not there", "x", { type: "text" }, 'table "payments" has no column "x"; it has id, amount'],
      ["no nulls without a value for them", "note", { nullable: false }, 'give "up" to say what column "note" gets'],
      ["nulls without a value for the older one", "amount", { nullable: true }, 'give "down" to say what it gets'],
      ["a type that is more than one", "size", { type: "int, drop column note" }, 'the type of column "size" is not'],
      ["a type that is not there", "size", { type: "nothing" }, 'type "nothing" does not exist'],
      [
        "an up over a column that is not there",
        "size",
        { type: "text", up: "nobody", down: "1" },
        'column "nobody" does not exist',
      ],
      [
        "an up of another type",
        "note",
        { type: "integer", up: "now()", down: "note" },
        'the "up" for column "note" does not fit: it gives timestamp with time zone, and the column is integer',
      ],
      [
        "a down of another type",
        "size",
        { type: "text", up: "size", down: "now()" },
        'the "down" for column "size" does not fit: it gives timestamp with time zone, and the column is integer',
      ],
      [
        "a down that is two expressions",
        "size",
        { type: "text", up: "size", down: "1; select 2" },
        'the "down" of column "size" is not an SQL expression',
      ],
      [
        "a reference to a table that is not there",
        "owner",
        { references: { name: "r", table: "nobody", column: "id" }, up: "owner", down: "owner" },
        'there is no table "nobody"',
      ],
    ] as const
  ).map(([name, column, changes, expectedStartError]): OperationCase => ({
    operation: "alter_column",
    name,
    given: PAYMENTS,
    migrations: [alter(column, changes)],
    expectedStartError,
  })),
  {
    operation: "alter_column",
    name: "a column that is generated",
    given: "create table u (id int, g int generated always as (id * 2) stored)",
    migrations: [{ alter_column: { table: "u", column: "g", type: "bigint" } }],
    expectedStartError: "is generated from others",
  },
];
