import { newer, type OperationCase, older, owner, refused } from "./operation-case.ts";

const TRIPS = `create table places (id integer primary key); insert into places values (1), (2);
  create table trips (id integer constraint trips_key primary key, starts integer, ends integer, place integer,
    code text constraint code_once unique, label text constraint label_given check (label <> ''),
    constraint in_order check (starts <= ends), constraint span_once unique (starts, ends),
    constraint trips_place foreign key (place) references places (id));
  insert into trips values (1, 1, 2, 1, 'a', 'A')`;

const PAIRS = `create table pairs (a integer, b integer, v text, constraint pairs_key primary key (a, b));
  create table uses (a integer, b integer, constraint uses_pair foreign key (a, b) references pairs (a, b));
  insert into pairs values (1, 1, 'x'); insert into uses values (1, 1)`;

function constraints(table: string): string {
  return `select conname, contype, convalidated from pg_constraint
    where conrelid = '${table}'::regclass and contype <> 'n' order by conname collate "C"`;
}

export const OLD_CONSTRAINT_CASES: readonly OperationCase[] = [
  {
    operation: "drop_constraint",
    name: "a check",
    given: TRIPS,
    migrations: [
      {
        drop_constraint: {
          table: "trips",
          name: "label_given",
          up: "label",
          down: "case when label = '' then 'none' else label end",
        },
      },
    ],
    afterStart: [refused(older("insert into trips (id, label) values (10, '')"), "label_given")],
    afterBackfill: [
      newer("insert into trips (id, label) values (20, '')"),
      older("select label from trips order by id", "A", "none"),
      newer("select label from trips order by id", "A", ""),
      refused(older("update trips set label = ''"), "label_given"),
    ],
    afterComplete: [
      owner("select label from trips where id = 20", ""),
      owner("select count(*) from pg_constraint where conname = 'label_given' and conrelid = 'trips'::regclass", "0"),
    ],
    afterRollback: [
      owner("select label from trips order by id", "A", "none"),
      refused(owner("update trips set label = ''"), "label_given"),
    ],
  },
  {
    operation: "drop_constraint",
    name: "a unique one",
    given: TRIPS,
    migrations: [{ drop_constraint: { table: "trips", name: "code_once", up: "code", down: "code || '-' || id" } }],
    afterStart: [refused(older("insert into trips (id, code) values (10, 'a')"), "code_once")],
    afterBackfill: [
      newer("insert into trips (id, code) values (20, 'a')"),
      older("select code from trips order by id", "a", "a-20"),
      newer("select code from trips order by id", "a", "a"),
    ],
    afterComplete: [
      owner("select code from trips order by id", "a", "a"),
      owner("select to_regclass('code_once')", "null"),
    ],
    afterRollback: [
      owner("select code from trips order by id", "a", "a-20"),
      refused(owner("insert into trips (id, code) values (30, 'a')"), "code_once"),
    ],
  },
  {
    operation: "drop_constraint",
    name: "a foreign key",
    given: TRIPS,
    migrations: [
      {
        drop_constraint: {
          table: "trips",
          name: "trips_place",
          up: "place",
          down: "select case when exists (select from places where places.id = place) then place end",
        },
      },
    ],
    afterStart: [refused(older("insert into trips (id, place) values (10, 9)"), "trips_place")],
    afterBackfill: [
      newer("insert into trips (id, place) values (20, 9)"),
      older("select place from trips order by id", "1", "null"),
      newer("select place from trips order by id", "1", "9"),
    ],
    afterComplete: [
      owner("select place from trips order by id", "1", "9"),
      owner("delete from places where id = 1 returning id", "1"),
    ],
    afterRollback: [
      owner("select place from trips order by id", "1", "null"),
      refused(owner("delete from places where id = 1"), "trips_place"),
    ],
  },
  {
    operation: "drop_constraint",
    name: "a primary key",
    given: TRIPS,
    migrations: [{ drop_constraint: { table: "trips", name: "trips_key", up: "id", down: "id" } }],
    afterStart: [refused(older("insert into trips (id) values (1)"), "trips_key")],
    afterBackfill: [newer("insert into trips (id) values (20)"), older("select id from trips order by id", "1", "20")],
    afterComplete: [
      owner("insert into trips (id) values (20) returning id", "20"),
      owner("select count(*) from pg_constraint where conrelid = 'trips'::regclass and contype = 'p'", "0"),
    ],
    afterRollback: [refused(owner("insert into trips (id) values (20)"), "trips_key")],
  },
  {
    operation: "drop_constraint",
    name: "that is not there",
    given: TRIPS,
    migrations: [{ drop_constraint: { table: "trips", name: "n" } }],
    expectedStartError: 'table "trips" has no constraint "n"; it has ',
  },
  {
    operation: "drop_constraint",
    name: "of several columns",
    given: TRIPS,
    migrations: [{ drop_constraint: { table: "trips", name: "span_once" } }],
    expectedStartError: 'use "drop_multi_column_constraint"',
  },
  {
    operation: "drop_multi_column_constraint",
    name: "a check",
    given: TRIPS,
    migrations: [
      {
        drop_multi_column_constraint: {
          table: "trips",
          name: "in_order",
          up: { starts: "starts", ends: "ends" },
          down: { starts: "least(starts, ends)", ends: "greatest(starts, ends)" },
        },
      },
    ],
    afterStart: [refused(older("insert into trips (id, starts, ends) values (10, 9, 3)"), "in_order")],
    afterBackfill: [
      newer("insert into trips (id, starts, ends) values (20, 9, 3)"),
      older("select starts, ends from trips where id = 20", "3 | 9"),
      newer("select starts, ends from trips where id = 20", "9 | 3"),
      older("update trips set label = 'x' where id = 20"),
      newer("select starts, ends from trips where id = 20", "9 | 3"),
    ],
    afterComplete: [
      owner("select starts, ends from trips where id = 20", "9 | 3"),
      refused(owner("insert into trips (id, starts, ends) values (30, 9, 3)"), "span_once"),
    ],
    afterRollback: [
      owner("select starts, ends from trips where id = 20", "3 | 9"),
      refused(owner("insert into trips (id, starts, ends) values (30, 9, 3)"), "in_order"),
    ],
  },
  {
    operation: "drop_multi_column_constraint",
    name: "a unique one",
    given: TRIPS,
    migrations: [
      {
        drop_multi_column_constraint: {
          table: "trips",
          name: "span_once",
          up: { starts: "starts", ends: "ends" },
          down: { starts: "starts", ends: "ends + id" },
        },
      },
    ],
    afterStart: [refused(older("insert into trips (id, starts, ends) values (10, 1, 2)"), "span_once")],
    afterBackfill: [
      newer("insert into trips (id, starts, ends) values (20, 1, 2)"),
      older("select ends from trips order by id", "2", "22"),
      newer("select ends from trips order by id", "2", "2"),
    ],
    afterComplete: [
      owner("select ends from trips order by id", "2", "2"),
      refused(owner("insert into trips (id, starts, ends) values (30, 9, 3)"), "in_order"),
    ],
    afterRollback: [owner("select ends from trips order by id", "2", "22")],
  },
  {
    operation: "drop_multi_column_constraint",
    name: "a foreign key of two columns",
    given: PAIRS,
    migrations: [
      {
        drop_multi_column_constraint: {
          table: "uses",
          name: "uses_pair",
          up: { a: "a", b: "b" },
          down: {
            a: "select case when exists (select from pairs p where p.a = uses.a and p.b = uses.b) then a end",
            b: "b",
          },
        },
      },
    ],
    afterStart: [refused(older("insert into uses values (9, 9)"), "uses_pair")],
    afterBackfill: [
      newer("insert into uses values (9, 9)"),
      older("select a, b from uses order by b", "1 | 1", "null | 9"),
      newer("select a, b from uses order by b", "1 | 1", "9 | 9"),
    ],
    afterComplete: [owner("delete from pairs"), owner("select a, b from uses order by b", "1 | 1", "9 | 9")],
    afterRollback: [refused(owner("delete from pairs"), "uses_pair")],
  },
  {
    operation: "drop_multi_column_constraint",
    name: "a primary key of two columns",
    given: PAIRS.replace(/create table uses[^;]*;/, "").replace("; insert into uses values (1, 1)", ""),
    migrations: [
      {
        drop_multi_column_constraint: {
          table: "pairs",
          name: "pairs_key",
          up: { a: "a", b: "b" },
          down: { a: "a", b: "b" },
        },
      },
    ],
    afterStart: [refused(older("insert into pairs values (1, 1)"), "pairs_key")],
    afterBackfill: [newer("insert into pairs values (2, 1, 'y')"), older("select v from pairs order by a", "x", "y")],
    afterComplete: [owner("insert into pairs (a, b, v) values (2, 1, 'z') returning v", "z")],
    afterRollback: [refused(owner("insert into pairs values (2, 1, 'z')"), "pairs_key")],
  },
  {
    operation: "drop_multi_column_constraint",
    name: "that is not there",
    given: TRIPS,
    migrations: [{ drop_multi_column_constraint: { table: "trips", name: "n" } }],
    expectedStartError: 'has no constraint "n"',
  },
  {
    operation: "drop_multi_column_constraint",
    name: "with a value for another column",
    given: TRIPS,
    migrations: [{ drop_multi_column_constraint: { table: "trips", name: "span_once", up: { id: "id" } } }],
    expectedStartError: '"id" is none of starts, ends',
  },
  {
    operation: "drop_multi_column_constraint",
    name: "that others refer to",
    given: PAIRS,
    migrations: [
      {
        drop_multi_column_constraint: {
          table: "pairs",
          name: "pairs_key",
          up: { a: "a", b: "b" },
          down: { a: "a", b: "b" },
        },
      },
    ],
    expectedStartError: '"uses_pair" of table "uses" needs a key over a, b of "pairs", which the release drops',
  },
  {
    operation: "rename_constraint",
    name: "of each kind",
    given: TRIPS,
    migrations: [
      { rename_constraint: { table: "trips", from: "label_given", to: "label_there" } },
      { rename_constraint: { table: "trips", from: "code_once", to: "code_single" } },
      { rename_constraint: { table: "trips", from: "trips_place", to: "trips_at" } },
      { rename_constraint: { table: "trips", from: "trips_key", to: "trips_id" } },
    ],
    afterStart: [refused(older("insert into trips (id, label) values (10, '')"), "label_given")],
    afterBackfill: [
      refused(newer("insert into trips (id, label) values (20, '')"), "label_given"),
      newer("insert into trips (id, code) values (20, 'a') on conflict (code) do nothing"),
    ],
    afterComplete: [
      owner(
        constraints("trips"),
        "code_single | u | true",
        "in_order | c | true",
        "label_there | c | true",
        "span_once | u | true",
        "trips_at | f | true",
        "trips_id | p | true",
      ),
      owner("select count(to_regclass(name)) from unnest('{code_single, trips_id}'::text[]) name", "2"),
    ],
    afterRollback: [refused(owner("insert into trips (id, label) values (10, '')"), "label_given")],
  },
  {
    operation: "rename_constraint",
    name: "that is not there",
    given: TRIPS,
    migrations: [{ rename_constraint: { table: "trips", from: "n", to: "m" } }],
    expectedStartError: 'has no constraint "n"',
  },
  {
    operation: "rename_constraint",
    name: "to the name of another",
    given: TRIPS,
    migrations: [{ rename_constraint: { table: "trips", from: "trips_key", to: "in_order" } }],
    expectedStartError: 'has a constraint "in_order" already',
  },
];
