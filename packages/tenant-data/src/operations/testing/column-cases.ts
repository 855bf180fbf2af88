import { newer, type OperationCase, older, owner, refused } from "./operation-case.ts";

const PEOPLE =
  "create table people (id integer primary key, name text not null); insert into people values (1, 'ann'), (2, 'bob')";
const USERS = `create table users (id integer primary key, mail text not null unique, size integer not null default 3,
    big boolean generated always as (size > 5) stored, constraint mail_given check (mail <> ''));
  create index users_by_mail on users (lower(mail)); comment on column users.mail is 'where to write';
  insert into users (id, mail) values (1, 'a@x')`;
const NAMES = `create table names (id integer primary key, first text not null, last text not null, whole text not null,
    note text, state text not null default 'open', code integer constraint code_small check (code < 9));
  create index names_whole on names (whole); insert into names values (1, 'Ann', 'Lee', 'Ann Lee', 'n', 'open', 1)`;

export const COLUMN_CASES: readonly OperationCase[] = [
  {
    operation: "add_column",
    name: "that may be null",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "note", type: "text", nullable: true } } }],
    afterStart: [
      older("insert into people values (10, 'cyd') returning *", "10 | cyd"),
      older("select * from people order by id", "1 | ann", "2 | bob", "10 | cyd"),
    ],
    afterBackfill: [
      newer("update people set note = 'new' where id = 1 returning *", "1 | ann | new"),
      newer("insert into people values (20, 'dee', 'x')"),
      older("update people set name = 'Ann' where id = 1"),
      newer("select * from people order by id", "1 | Ann | new", "2 | bob | null", "10 | cyd | null", "20 | dee | x"),
      older("select * from people where id = 20", "20 | dee"),
    ],
    afterComplete: [owner("select note from people order by id", "new", "null", "null", "x")],
    afterRollback: [owner("select * from people order by id", "1 | Ann", "2 | bob", "10 | cyd", "20 | dee")],
  },
  {
    operation: "add_column",
    name: "without nulls, filled from others, with a check",
    given: PEOPLE,
    migrations: [
      {
        add_column: {
          table: "people",
          column: { name: "label", type: "text", check: { name: "label_given", constraint: "label <> ''" } },
          up: "upper(name)",
        },
      },
    ],
    afterStart: [
      older("insert into people values (10, 'cyd')"),
      refused(older("insert into people values (11, '')"), "label_given"),
      owner("select count(*) from people t where to_jsonb(t)::text like '%CYD%'", "1"),
      owner("select count(*) from people t where to_jsonb(t)::text like '%ANN%'", "0"),
    ],
    afterBackfill: [
      newer("select label from people order by id", "ANN", "BOB", "CYD"),
      newer("insert into people values (20, 'dee', 'Mrs D')"),
      refused(newer("insert into people values (21, 'eve', null)"), "label"),
      older("update people set name = 'anna' where id = 1"),
      newer("select label from people where id in (1, 20) order by id", "ANNA", "Mrs D"),
    ],
    afterComplete: [
      owner("select attnotnull from pg_attribute where attrelid = 'people'::regclass and attname = 'label'", "true"),
      refused(owner("insert into people values (30, 'x', '')"), "label_given"),
    ],
    afterRollback: [owner("select * from people where id = 20", "20 | dee")],
  },
  {
    operation: "add_column",
    name: "with a constant default, and one of another value for each row",
    given: PEOPLE,
    migrations: [
      { add_column: { table: "people", column: { name: "rank", type: "integer", default: "7", comment: "first 1" } } },
      {
        add_column: {
          table: "people",
          column: { name: "code", type: "uuid", default: "gen_random_uuid()", unique: true },
        },
      },
    ],
    afterStart: [older("insert into people values (10, 'cyd')")],
    afterBackfill: [
      newer("select count(distinct code), min(rank), max(rank) from people", "3 | 7 | 7"),
      newer("insert into people (id, name) values (20, 'dee') returning rank, code is not null", "7 | true"),
      older("insert into people values (21, 'eve')"),
      newer("select count(distinct code) from people", "5"),
    ],
    afterComplete: [
      owner("insert into people (id, name) values (30, 'fay') returning rank, code is not null", "7 | true"),
      owner(
        "select col_description('people'::regclass, attnum) from pg_attribute where attrelid = 'people'::regclass and attname = 'rank'",
        "first 1",
      ),
      refused(
        owner("insert into people (id, name, code) select 31, 'x', code from people where id = 1"),
        "people_code_key",
      ),
    ],
    afterRollback: [owner("select id from people order by id", "1", "2", "10", "20", "21")],
  },
  {
    operation: "add_column",
    name: "of numbers that count up, with a reference",
    given: PEOPLE,
    migrations: [
      { add_column: { table: "people", column: { name: "number", type: "serial" } } },
      {
        add_column: {
          table: "people",
          column: {
            name: "chief",
            type: "integer",
            nullable: true,
            references: { name: "people_chief", table: "people", column: "id" },
          },
          up: "1",
        },
      },
    ],
    afterStart: [older("select * from people order by id", "1 | ann", "2 | bob")],
    afterBackfill: [
      newer("select number, chief from people order by id", "1 | 1", "2 | 1"),
      older("insert into people values (10, 'cyd')"),
      newer("select number, chief from people where id = 10", "3 | 1"),
      newer("insert into people (id, name) values (20, 'dee') returning number, chief", "4 | null"),
      refused(newer("insert into people (id, name, chief) values (21, 'eve', 99)"), "people_chief"),
    ],
    afterComplete: [
      owner("insert into people (id, name) values (30, 'fay') returning number", "6"),
      owner("select pg_get_serial_sequence('people', 'number') is not null", "true"),
    ],
    afterRollback: [owner("select id from people order by id", "1", "2", "10", "20")],
  },
  {
    operation: "add_column",
    name: "that is the key of a table without one",
    given: "create table logs (line text); insert into logs values ('a'), ('b')",
    migrations: [{ add_column: { table: "logs", column: { name: "id", type: "bigserial", pk: true } } }],
    afterStart: [older("insert into logs values ('c') returning *", "c")],
    afterBackfill: [
      newer("select count(distinct id) from logs", "3"),
      newer("insert into logs (line) values ('d') on conflict (id) do nothing returning line", "d"),
    ],
    afterComplete: [
      owner("select conname from pg_constraint where conrelid = 'logs'::regclass and contype = 'p'", "logs_pkey"),
    ],
    afterRollback: [owner("select * from logs order by 1", "a", "b", "c", "d")],
  },
  {
    operation: "add_column",
    name: "whose expression fails for a row",
    given: "create table people (id integer primary key, age text); insert into people values (1, '7'), (2, 'old')",
    migrations: [{ add_column: { table: "people", column: { name: "years", type: "integer" }, up: "age::integer" } }],
    expectedBackfillError: `Table "people", row {"id": 2}, can't be brought to 2: invalid input syntax for type integer: "old". The "up" of column "years" is: `,
  },
  {
    operation: "add_column",
    name: "that is there",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "name", type: "text", nullable: true } } }],
    expectedStartError: 'has a column "name" already',
  },
  {
    operation: "add_column",
    name: "to a table that is not there",
    given: PEOPLE,
    migrations: [{ add_column: { table: "nobody", column: { name: "n", type: "text", nullable: true } } }],
    expectedStartError: 'there is no table "nobody"; there are people.',
  },
  {
    operation: "add_column",
    name: "that is an identity",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "n", type: "int", generated: { identity: {} } } } }],
    expectedStartError: "filling it would rewrite",
  },
  {
    operation: "add_column",
    name: "that is a second primary key",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "n", type: "serial", pk: true } } }],
    expectedStartError: 'table "people" has a primary key',
  },
  {
    operation: "add_column",
    name: "without a value for rows that are there",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "n", type: "int" } } }],
    expectedStartError: 'give "up" or "default"',
  },
  {
    operation: "add_column",
    name: "with a default that the server can't read",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "n", type: "int", default: "nobody()" } } }],
    expectedStartError: "function nobody() does not exist",
  },
  {
    operation: "add_column",
    name: "that refers to a column that is not there",
    given: PEOPLE,
    migrations: [
      {
        add_column: {
          table: "people",
          column: { name: "n", type: "int", nullable: true, references: { name: "r", table: "people", column: "x" } },
        },
      },
    ],
    expectedStartError: 'has no column "x" to refer to',
  },
  {
    operation: "add_column",
    name: "from a column that is not there",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "n", type: "int" }, up: "nobody + 1" } }],
    expectedStartError: 'the "up" for column "n" does not fit: column "nobody" does not exist',
  },
  {
    operation: "add_column",
    name: "from an expression of another type",
    given: PEOPLE,
    migrations: [{ add_column: { table: "people", column: { name: "n", type: "int" }, up: "name + 1" } }],
    expectedStartError: "operator does not exist: text + integer",
  },
  {
    operation: "add_column",
    name: "from an expression that is two",
    given: PEOPLE,
    migrations: [
      { add_column: { table: "people", column: { name: "n", type: "int" }, up: "1); drop table people; select (2" } },
    ],
    expectedStartError: 'the "up" of column "n" is not an SQL expression',
  },
  {
    operation: "add_column",
    name: "of a type that is more than one",
    given: PEOPLE,
    migrations: [
      {
        add_column: { table: "people", column: { name: "n", type: "int default 5, add column w int", nullable: true } },
      },
    ],
    expectedStartError: 'the type of column "n" is not',
  },
  {
    operation: "rename_column",
    name: "with a unique constraint, a check, an index and a comment",
    given: USERS,
    migrations: [{ rename_column: { table: "users", from: "mail", to: "email" } }],
    afterStart: [
      older("insert into users (id, mail) values (10, 'b@x') on conflict (mail) do nothing returning mail", "b@x"),
      older("select mail from users order by id", "a@x", "b@x"),
    ],
    afterBackfill: [
      newer("insert into users (id, email) values (20, 'c@x') on conflict (email) do nothing"),
      newer("update users set email = 'A@x' where id = 1 returning email", "A@x"),
      older("select mail from users order by id", "A@x", "b@x", "c@x"),
      refused(newer("insert into users (id, email) values (21, '')"), "mail_given"),
      refused(newer("select mail from users"), 'column "mail" does not exist'),
    ],
    afterComplete: [
      owner("select email from users order by id", "A@x", "b@x", "c@x"),
      owner(
        "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'users'::regclass and conname = 'mail_given'",
        "CHECK ((email <> ''::text))",
      ),
      owner("select col_description('users'::regclass, 2)", "where to write"),
      owner(
        "select count(*) from pg_indexes where indexname = 'users_by_mail' and schemaname = current_schema() and indexdef like '%(email)%'",
        "1",
      ),
    ],
    afterRollback: [owner("select mail from users order by id", "A@x", "b@x", "c@x")],
  },
  {
    operation: "rename_column",
    name: "that another is generated from",
    given: USERS,
    migrations: [{ rename_column: { table: "users", from: "size", to: "bytes" } }],
    afterStart: [older("update users set size = 6 where id = 1 returning big", "true")],
    afterBackfill: [
      newer("update users set bytes = 4 where id = 1 returning big", "false"),
      older("select size from users", "4"),
    ],
    afterComplete: [owner("insert into users (id, mail, bytes) values (30, 'd', 9) returning big", "true")],
    afterRollback: [owner("select size, big from users", "4 | false")],
  },
  {
    operation: "rename_column",
    name: "to the name of another",
    given: USERS,
    migrations: [{ rename_column: { table: "users", from: "mail", to: "size" } }],
    expectedStartError: 'has a column "size" already',
  },
  {
    operation: "rename_column",
    name: "that is not there",
    given: USERS,
    migrations: [{ rename_column: { table: "users", from: "post", to: "letters" } }],
    expectedStartError: 'table "users" has no column "post"; it has id, mail, size, big.',
  },
  {
    operation: "drop_column",
    name: "without nulls, for which the older version gets others",
    given: NAMES,
    migrations: [{ drop_column: { table: "names", column: "whole", down: "first || ' ' || last" } }],
    afterStart: [
      older("insert into names (id, first, last, whole) values (10, 'Bob', 'Ray', 'Bobby') returning whole", "Bobby"),
    ],
    afterBackfill: [
      newer("insert into names (id, first, last) values (20, 'Cyd', 'Fox')"),
      newer("update names set last = 'Lou' where id = 1"),
      newer("update names set note = 'same' where id = 10"),
      older("select whole from names order by id", "Ann Lou", "Bobby", "Cyd Fox"),
      refused(newer("select whole from names"), 'column "whole" does not exist'),
    ],
    afterComplete: [
      owner("select count(*) from pg_attribute where attrelid = 'names'::regclass and attname = 'whole'", "0"),
      owner("select to_regclass('names_whole')", "null"),
      owner("select first, last from names order by id", "Ann | Lou", "Bob | Ray", "Cyd | Fox"),
    ],
    afterRollback: [owner("select whole from names order by id", "Ann Lou", "Bobby", "Cyd Fox")],
  },
  {
    operation: "drop_column",
    name: "that may be null, has a default, or a check, with no way back given",
    given: NAMES,
    migrations: [
      { drop_column: { table: "names", column: "note" } },
      { drop_column: { table: "names", column: "state" } },
      { drop_column: { table: "names", column: "code" } },
    ],
    afterStart: [older("update names set note = 'm', state = 'shut', code = 2 where id = 1")],
    afterBackfill: [
      newer("insert into names values (20, 'Cyd', 'Fox', 'C')"),
      older("select note, state, code from names order by id", "m | shut | 2", "null | open | null"),
      refused(older("update names set code = 10"), "code_small"),
    ],
    afterComplete: [
      owner("select * from names order by id", "1 | Ann | Lee | Ann Lee", "20 | Cyd | Fox | C"),
      owner("select count(*) from pg_constraint where conname = 'code_small' and conrelid = 'names'::regclass", "0"),
    ],
    afterRollback: [owner("select note, state, code from names order by id", "m | shut | 2", "null | open | null")],
  },
  {
    operation: "drop_column",
    name: "without nulls, a default or a way back",
    given: NAMES,
    migrations: [{ drop_column: { table: "names", column: "whole" } }],
    expectedStartError: 'give "down" to say what it gets',
  },
  {
    operation: "drop_column",
    name: "that is not there",
    given: NAMES,
    migrations: [{ drop_column: { table: "names", column: "x" } }],
    expectedStartError: 'has no column "x"; it has id, first, last, whole, note, state, code.',
  },
  {
    operation: "drop_column",
    name: "that is the last one",
    given: "create table t (v int)",
    migrations: [{ drop_column: { table: "t", column: "v" } }],
    expectedStartError: '"v" is the last column of "t"; drop the table instead.',
  },
  {
    operation: "drop_column",
    name: "with a way back over a column that is not there",
    given: NAMES,
    migrations: [{ drop_column: { table: "names", column: "whole", down: "nobody" } }],
    expectedStartError: 'the "down" for column "whole" does not fit: column "nobody" does not exist',
  },
  {
    operation: "drop_column",
    name: "that a table which stays refers to",
    given: `create table films (id integer primary key, title text unique);
      create table shows (id integer primary key, film text references films (title))`,
    migrations: [{ drop_column: { table: "films", column: "title", down: "null" } }],
    expectedStartError: 'needs a key over title of "films", which the release drops',
  },
  {
    operation: "drop_column",
    name: "that the same release has changed: the older version's default is left to it",
    given: "create table notes (id integer primary key, stars integer not null default 5)",
    migrations: [
      { alter_column: { table: "notes", column: "stars", type: "text", up: "stars::text", down: "stars::integer" } },
      { drop_column: { table: "notes", column: "stars" } },
    ],
    afterStart: [older("insert into notes values (1) returning stars", "5")],
    afterBackfill: [newer("insert into notes values (2)"), older("select stars from notes where id = 2", "5")],
    afterComplete: [owner("select id from notes order by id", "1", "2")],
    afterRollback: [owner("select stars from notes where id = 1", "5")],
  },
];
