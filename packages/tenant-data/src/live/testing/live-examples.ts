import type { Row } from "./live-world.ts";

export interface Example {
  readonly given: string;
  readonly releases: readonly (readonly unknown[])[];
  /** What each version reads while all are live, by its number. */
  readonly live?: Readonly<Record<string, Row[]>>;
  readonly read?: Readonly<Record<string, string>>;
  /** Run as the version before reading. */
  readonly writes?: readonly (readonly [version: string, sql: string])[];
  readonly afterComplete?: readonly [sql: string, rows: Row[]];
}

export const EXAMPLES: Readonly<Record<string, Example>> = {
  "four versions that each change the same column": {
    given: "create table t (id int primary key, v text not null); insert into t values (1, '10')",
    releases: [
      [{ alter_column: { table: "t", column: "v", type: "integer", up: "v::integer", down: "v::text" } }],
      [
        { alter_column: { table: "t", column: "v", type: "numeric", up: "v / 10.0", down: "(v * 10)::integer" } },
        { rename_column: { table: "t", from: "v", to: "tenth" } },
      ],
      [
        { rename_table: { from: "t", to: "u" } },
        {
          alter_column: {
            table: "u",
            column: "tenth",
            check: { name: "small", constraint: "tenth < 1000" },
            nullable: true,
            up: "tenth",
            down: "coalesce(tenth, 0)",
          },
        },
      ],
    ],
    writes: [
      ["1", "insert into t values (2, '20')"],
      ["2", "insert into t values (3, 30)"],
      ["3", "insert into t (id, tenth) values (4, 4)"],
      ["4", "insert into u (id, tenth) values (5, null)"],
      ["2", "update t set v = 11 where id = 1"],
    ],
    read: {
      "1": "select * from t order by id",
      "2": "select * from t order by id",
      "3": "select id, tenth::float8 from t order by id",
      "4": "select id, tenth::float8 from u order by id",
    },
    live: {
      "1": [
        { id: 1, v: "11" },
        { id: 2, v: "20" },
        { id: 3, v: "30" },
        { id: 4, v: "40" },
        { id: 5, v: "0" },
      ],
      "2": [
        { id: 1, v: 11 },
        { id: 2, v: 20 },
        { id: 3, v: 30 },
        { id: 4, v: 40 },
        { id: 5, v: 0 },
      ],
      "3": [
        { id: 1, tenth: 1.1 },
        { id: 2, tenth: 2 },
        { id: 3, tenth: 3 },
        { id: 4, tenth: 4 },
        { id: 5, tenth: 0 },
      ],
      "4": [
        { id: 1, tenth: 1.1 },
        { id: 2, tenth: 2 },
        { id: 3, tenth: 3 },
        { id: 4, tenth: 4 },
        { id: 5, tenth: null },
      ],
    },
    afterComplete: [
      "select id, tenth::float8 from u where id > 3 order by id",
      [
        { id: 4, tenth: 4 },
        { id: 5, tenth: null },
      ],
    ],
  },
  "several operations on one column in one release": {
    given: "create table t (id int primary key, a text); insert into t values (1, ' 7 '), (2, null)",
    releases: [
      [
        { add_column: { table: "t", column: { name: "b", type: "text", nullable: true }, up: "trim(a)" } },
        { alter_column: { table: "t", column: "b", type: "integer", up: "b::integer", down: "b::text" } },
        { alter_column: { table: "t", column: "b", nullable: false, up: "coalesce(b, 0)", down: "b" } },
        { rename_column: { table: "t", from: "b", to: "c" } },
        { drop_column: { table: "t", column: "a", down: "c::text" } },
        { create_index: { table: "t", name: "t_c", columns: ["c"] } },
      ],
    ],
    writes: [
      ["1", "insert into t values (3, '9')"],
      ["2", "insert into t (id, c) values (4, 4)"],
    ],
    read: { "1": "select * from t order by id", "2": "select * from t order by id" },
    live: {
      "1": [
        { id: 1, a: " 7 " },
        { id: 2, a: null },
        { id: 3, a: "9" },
        { id: 4, a: "4" },
      ],
      "2": [
        { id: 1, c: 7 },
        { id: 2, c: 0 },
        { id: 3, c: 9 },
        { id: 4, c: 4 },
      ],
    },
    afterComplete: [
      "select * from t order by id",
      [
        { id: 1, c: 7 },
        { id: 2, c: 0 },
        { id: 3, c: 9 },
        { id: 4, c: 4 },
      ],
    ],
  },
  "a key of integers that becomes one of bigints, with those who refer to it": {
    given: `create table p (id int generated always as identity primary key, n text unique);
      create table c (id serial primary key, p int not null references p (id) on delete cascade, unique (p, id));
      insert into p (n) values ('a'), ('b'); insert into c (p) values (1), (2)`,
    releases: [
      [
        { alter_column: { table: "p", column: "id", type: "bigint", up: "id::bigint", down: "id::int" } },
        { alter_column: { table: "c", column: "p", type: "bigint", up: "p::bigint", down: "p::int" } },
      ],
      [{ alter_column: { table: "c", column: "id", type: "bigint", up: "id", down: "id::int" } }],
    ],
    writes: [
      ["1", "insert into p (n) values ('c')"],
      ["2", "insert into p (n) values ('d')"],
      ["3", "insert into c (p) select id from p where n in ('c', 'd')"],
      ["2", "delete from p where n = 'a'"],
    ],
    read: { "1": "select c.id, p from c order by 1", "3": "select c.id::int, p::int from c order by 1" },
    live: {
      "1": [
        { id: 2, p: 2 },
        { id: 3, p: 3 },
        { id: 4, p: 4 },
      ],
      "3": [
        { id: 2, p: 2 },
        { id: 3, p: 3 },
        { id: 4, p: 4 },
      ],
    },
    afterComplete: [`insert into p (n) values ('e'); insert into c (p) values (5)`, []],
  },
  "names that two tables and two columns swap": {
    given:
      "create table a (id int primary key, x int, y int); create table b (id int primary key); insert into a values (1, 2, 3)",
    releases: [
      [
        { rename_table: { from: "a", to: "z" } },
        { rename_table: { from: "b", to: "a" } },
        { rename_table: { from: "z", to: "b" } },
        { rename_column: { table: "b", from: "x", to: "w" } },
        { rename_column: { table: "b", from: "y", to: "x" } },
        { rename_column: { table: "b", from: "w", to: "y" } },
      ],
    ],
    read: { "1": "select * from a", "2": "select id, x, y from b" },
    live: { "1": [{ id: 1, x: 2, y: 3 }], "2": [{ id: 1, x: 3, y: 2 }] },
    afterComplete: ["select id, x, y from b", [{ id: 1, x: 3, y: 2 }]],
  },
  "a column dropped and another one of its name added": {
    given: "create table t (id int primary key, v int not null default 1); insert into t values (1, 5)",
    releases: [
      [
        { drop_column: { table: "t", column: "v" } },
        { add_column: { table: "t", column: { name: "v", type: "text", default: "'new'" } } },
      ],
    ],
    writes: [
      ["2", "insert into t values (2, 'own')"],
      ["1", "insert into t values (3, 7)"],
    ],
    read: { "1": "select * from t order by id", "2": "select * from t order by id" },
    live: {
      "1": [
        { id: 1, v: 5 },
        { id: 2, v: 1 },
        { id: 3, v: 7 },
      ],
      "2": [
        { id: 1, v: "new" },
        { id: 2, v: "own" },
        { id: 3, v: "new" },
      ],
    },
    afterComplete: [
      "select * from t order by id",
      [
        { id: 1, v: "new" },
        { id: 2, v: "own" },
        { id: 3, v: "new" },
      ],
    ],
  },
  "partitions, forced row-level security, comments in expressions and odd names": {
    given: `create table "O dd""t" (id int, "V.1" text, primary key (id)) partition by range (id);
      create table p1 partition of "O dd""t" for values from (0) to (10);
      create table p2 partition of "O dd""t" for values from (10) to (20);
      alter table "O dd""t" enable row level security; alter table "O dd""t" force row level security;
      create policy all_even on "O dd""t" using (id % 2 = 0) with check (true);
      insert into "O dd""t" values (1, 'a'), (2, 'b'), (12, 'c')`,
    releases: [
      [
        {
          alter_column: {
            table: 'O dd"t',
            column: "V.1",
            type: "varchar(9)",
            up: `upper("V.1") -- louder`,
            down: `"O dd""t"."V.1" /* quiet */`,
          },
        },
      ],
    ],
    writes: [["2", `insert into "O dd""t" values (14, 'D')`]],
    read: { "1": `select * from "O dd""t" order by id`, "2": `select * from "O dd""t" order by id` },
    live: {
      "1": [
        { id: 2, "V.1": "b" },
        { id: 12, "V.1": "c" },
        { id: 14, "V.1": "D" },
      ],
      "2": [
        { id: 2, "V.1": "B" },
        { id: 12, "V.1": "C" },
        { id: 14, "V.1": "D" },
      ],
    },
    afterComplete: [`select count(*)::int as n from "O dd""t" where "V.1" = upper("V.1")`, [{ n: 3 }]],
  },
  "a trigger of the module's own that changes rows, and an update of rows that were there": {
    given: `create table t (id int primary key, v int, seen int default 0);
      create function see() returns trigger language plpgsql as $$ begin new.seen := new.seen + 1; return new; end $$;
      create trigger see before insert or update on t for each row execute function see();
      insert into t (id, v) values (1, 1), (2, 2)`,
    releases: [
      [
        {
          alter_column: {
            table: "t",
            column: "v",
            type: "text",
            up: "v || '/' || seen",
            down: "split_part(v, '/', 1)::int",
          },
        },
      ],
    ],
    writes: [["1", "update t set v = 5 where id = 2"]],
    read: { "1": "select * from t order by id", "2": "select * from t order by id" },
    live: {
      "1": [
        { id: 1, v: 1, seen: 1 },
        { id: 2, v: 5, seen: 2 },
      ],
      "2": [
        { id: 1, v: "1/1", seen: 1 },
        { id: 2, v: "5/2", seen: 2 },
      ],
    },
  },
  "a trigger of the module's own on a partition alone": {
    given: `create table t (id int primary key, v int, seen int default 0) partition by range (id);
      create table t1 partition of t for values from (0) to (10);
      create table t2 partition of t for values from (10) to (20) partition by range (id);
      create table t2a partition of t2 for values from (10) to (20);
      create function see() returns trigger language plpgsql as $$ begin new.v := new.v * 10; new.seen := new.seen + 1; return new; end $$;
      create trigger see before insert or update on t2a for each row execute function see();
      insert into t (id, v) values (1, 1), (11, 1)`,
    releases: [
      [
        {
          alter_column: {
            table: "t",
            column: "v",
            type: "text",
            up: "v || '/' || seen",
            down: "split_part(v, '/', 1)::int",
          },
        },
      ],
    ],
    writes: [
      ["1", "insert into t (id, v) values (2, 2), (12, 2)"],
      ["1", "update t set v = 5 where id = 12"],
    ],
    read: { "1": "select * from t order by id", "2": "select * from t order by id" },
    live: {
      "1": [
        { id: 1, v: 1, seen: 0 },
        { id: 2, v: 2, seen: 0 },
        { id: 11, v: 10, seen: 1 },
        { id: 12, v: 50, seen: 2 },
      ],
      "2": [
        { id: 1, v: "1/0", seen: 0 },
        { id: 2, v: "2/0", seen: 0 },
        { id: 11, v: "10/1", seen: 1 },
        { id: 12, v: "50/2", seen: 2 },
      ],
    },
  },
  "keys of columns that change again after SQL of the author's own, and one made of a column that is new": {
    given: `create table t (id int primary key, v int constraint v_once unique, w int constraint w_once unique);
      insert into t values (1, 1, 1)`,
    releases: [
      [{ alter_column: { table: "t", column: "v", type: "text", up: "v::text", down: "v::int" } }],
      [
        { sql: { up: "create table more (id int primary key)", down: "drop table more" } },
        { alter_column: { table: "t", column: "v", type: "bigint", up: "v::bigint", down: "v::text" } },
        { drop_constraint: { table: "t", name: "w_once", up: "w", down: "w" } },
        { add_column: { table: "t", column: { name: "j", type: "jsonb", nullable: true } } },
        { alter_column: { table: "t", column: "j", type: "text", up: "j #>> '{}'", down: "to_jsonb(j)" } },
      ],
    ],
    writes: [["3", "insert into t values (2, 2, 2, 'x')"]],
    read: { "1": "select * from t order by id", "3": "select * from t order by id" },
    live: {
      "1": [
        { id: 1, v: 1, w: 1 },
        { id: 2, v: 2, w: 2 },
      ],
      "3": [
        { id: 1, v: "1", w: 1, j: null },
        { id: 2, v: "2", w: 2, j: "x" },
      ],
    },
    afterComplete: [
      "select conname from pg_constraint where conrelid = 't'::regclass and contype <> 'n' order by 1",
      [{ conname: "t_pkey" }, { conname: "v_once" }],
    ],
  },
  "a default that is written as another type": {
    given: "create table t (id int primary key); insert into t values (1)",
    releases: [[{ add_column: { table: "t", column: { name: "v", type: "text", default: "0" } } }]],
    writes: [["1", "insert into t values (2)"]],
    read: { "2": "select * from t order by id" },
    live: {
      "2": [
        { id: 1, v: "0" },
        { id: 2, v: "0" },
      ],
    },
    afterComplete: ["select v from t where id = 1", [{ v: "0" }]],
  },
};
