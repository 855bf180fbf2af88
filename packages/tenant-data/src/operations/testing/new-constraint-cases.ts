import { newer, type OperationCase, older, owner, refused } from "./operation-case.ts";

const SEATS = `create table rooms (house integer, room integer, primary key (house, room));
  create table seats (id integer not null, house integer, room integer, price integer,
    constraint price_small check (price < 100));
  insert into rooms values (1, 1), (1, 2); insert into seats values (1, 1, 1, 10), (2, 1, 2, -5)`;

function created(fields: object): object {
  return { create_constraint: { table: "seats", ...fields } };
}

function constraints(table: string): string {
  return `select conname, contype, convalidated from pg_constraint
    where conrelid = '${table}'::regclass and contype <> 'n' order by conname collate "C"`;
}

export const NEW_CONSTRAINT_CASES: readonly OperationCase[] = [
  {
    operation: "create_constraint",
    name: "unique, over two columns",
    given: SEATS,
    migrations: [
      created({
        name: "seats_once",
        type: "unique",
        columns: ["house", "room"],
        up: { house: "house", room: "room" },
        down: { house: "house", room: "room" },
      }),
    ],
    afterStart: [older("insert into seats values (10, 2, 1, 7)")],
    afterBackfill: [
      refused(newer("insert into seats values (20, 1, 1, 7)"), "seats_once"),
      newer(
        "insert into seats values (20, 1, 1, 7) on conflict (house, room) do update set price = 8 returning id",
        "1",
      ),
      older("select price from seats where id = 1", "8"),
      newer("insert into seats values (21, 3, 1, 1)"),
      older("select house, room from seats where id = 21", "3 | 1"),
    ],
    afterComplete: [
      owner(constraints("seats"), "price_small | c | true", "seats_once | u | true"),
      refused(owner("insert into seats values (30, 3, 1, 1)"), "seats_once"),
    ],
    afterRollback: [
      owner(constraints("seats"), "price_small | c | true"),
      owner("insert into seats values (30, 3, 1, 1) returning id", "30"),
    ],
  },
  {
    operation: "create_constraint",
    name: "a check, which the older version's rows are made to pass",
    given: SEATS,
    migrations: [
      created({
        name: "price_given",
        type: "check",
        columns: ["price"],
        check: "price >= 0",
        up: { price: "greatest(price, 0)" },
        down: { price: "price" },
      }),
    ],
    afterStart: [older("insert into seats values (10, 1, 1, -3) returning price", "-3")],
    afterBackfill: [
      newer("select price from seats order by id", "10", "0", "0"),
      refused(newer("update seats set price = -1"), "price_given"),
      refused(newer("update seats set price = 100"), "price_small"),
      newer("update seats set price = 6 where id = 1"),
      older("select price from seats order by id", "6", "-5", "-3"),
    ],
    afterComplete: [
      owner(constraints("seats"), "price_given | c | true", "price_small | c | true"),
      owner("select price from seats order by id", "6", "0", "0"),
    ],
    afterRollback: [owner("select price from seats order by id", "6", "-5", "-3")],
  },
  {
    operation: "create_constraint",
    name: "a foreign key over two columns",
    given: SEATS,
    migrations: [
      created({
        name: "seats_room",
        type: "foreign_key",
        columns: ["house", "room"],
        references: { table: "rooms", columns: ["house", "room"], on_delete: "CASCADE" },
        up: { house: "house", room: "room" },
        down: { house: "house", room: "room" },
      }),
    ],
    afterStart: [older("insert into seats values (10, 1, 2, 3)")],
    afterBackfill: [
      refused(newer("insert into seats values (20, 5, 5, 3)"), "seats_room"),
      newer("insert into seats values (20, 1, 1, 3)"),
      newer("delete from rooms where room = 2"),
      older("select id from seats order by id", "1", "20"),
    ],
    afterComplete: [
      owner(constraints("seats"), "price_small | c | true", "seats_room | f | true"),
      refused(owner("insert into seats values (30, 5, 5, 3)"), "seats_room"),
    ],
    afterRollback: [owner("insert into seats values (30, 5, 5, 3) returning id", "30")],
  },
  {
    operation: "create_constraint",
    name: "a primary key",
    given: SEATS,
    migrations: [
      created({ name: "seats_key", type: "primary_key", columns: ["id"], up: { id: "id" }, down: { id: "id" } }),
    ],
    afterStart: [older("insert into seats values (10, 1, 2, 3)")],
    afterBackfill: [
      refused(newer("insert into seats values (1, 1, 1, 3)"), "seats_key"),
      newer("insert into seats values (1, 1, 1, 3) on conflict (id) do nothing"),
      newer("insert into seats values (20, 1, 1, 3)"),
      older("select id from seats order by id", "1", "2", "10", "20"),
    ],
    afterComplete: [owner(constraints("seats"), "price_small | c | true", "seats_key | p | true")],
    afterRollback: [
      owner(constraints("seats"), "price_small | c | true"),
      owner("insert into seats values (1, 1, 1, 3) returning id", "1"),
    ],
  },
  {
    operation: "create_constraint",
    name: "unique, over values that are not",
    given: `${SEATS}, (3, 1, 1, 5)`,
    migrations: [
      created({
        name: "seats_once",
        type: "unique",
        columns: ["house", "room"],
        up: { house: "house", room: "room" },
        down: { house: "house", room: "room" },
      }),
    ],
    expectedBackfillError: 'building index "seats_once" on "seats" failed',
  },
  {
    operation: "create_constraint",
    name: "a check that a row does not pass",
    given: `${SEATS}; alter table seats add primary key (id)`,
    migrations: [
      created({
        name: "price_given",
        type: "check",
        columns: ["price"],
        check: "price >= 0",
        up: { price: "price" },
        down: { price: "price" },
      }),
    ],
    expectedBackfillError:
      'Table "seats", row {"id": 2}, can\'t be brought to 2: new row for relation "seats" violates check constraint "price_given"',
  },
  {
    operation: "create_constraint",
    name: "a foreign key to rows that are not there",
    given: `${SEATS}, (3, 9, 9, 5)`,
    migrations: [
      created({
        name: "seats_room",
        type: "foreign_key",
        columns: ["house", "room"],
        references: { table: "rooms", columns: ["house", "room"] },
        up: { house: "house", room: "room" },
        down: { house: "house", room: "room" },
      }),
    ],
    expectedBackfillError: "seats_room",
  },
  ...(
    [
      [
        "with the name of another",
        { name: "price_small", type: "check", columns: ["price"], check: "price > 0" },
        "already",
      ],
      [
        "over a column that is not there",
        { name: "n", type: "check", columns: ["price"], check: "x > 0" },
        '"x" does not exist',
      ],
      ["without columns", { name: "n", type: "unique" }, 'needs "columns"'],
      ["without a check", { name: "n", type: "check", columns: ["price"] }, 'needs "check"'],
      ["without what it refers to", { name: "n", type: "foreign_key", columns: ["room"] }, 'needs "references"'],
      [
        "with a value for another column",
        { name: "n", type: "unique", columns: ["room"], up: { price: "price" } },
        '"price" is none of room',
      ],
    ] as const
  ).map(([name, fields, expectedStartError]): OperationCase => ({
    operation: "create_constraint",
    name,
    given: SEATS,
    migrations: [created(fields)],
    expectedStartError,
  })),
  {
    operation: "create_constraint",
    name: "a second primary key",
    given: `${SEATS}; alter table seats add primary key (id)`,
    migrations: [created({ name: "n", type: "primary_key", columns: ["house"] })],
    expectedStartError: "has a primary key",
  },
];
