import { newer, type OperationCase, older, owner, refused } from "./operation-case.ts";
import { alter, PAYMENTS } from "./refused-alter-column-cases.ts";

/** Facts of a column: its type, whether it holds nulls, its default. */
function facts(column: string): string {
  return `select format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = 'payments'::regclass and attname = '${column}'`;
}

export const ALTER_COLUMN_CASES: readonly OperationCase[] = [
  {
    operation: "alter_column",
    name: "its type",
    given: PAYMENTS.replace(" check (amount <> '')", ""),
    migrations: [alter("amount", { type: "bigint", up: "amount::bigint * 100", down: "(amount / 100)::text" })],
    afterStart: [
      older("insert into payments (amount) values ('30') returning id, amount", "3 | 30"),
      refused(older("insert into payments (amount) values ('much')"), "invalid input syntax for type bigint"),
      owner("select count(*) from payments t where to_jsonb(t)::text like '%3000%'", "1"),
      owner("select count(*) from payments t where to_jsonb(t)::text like '%1000%'", "0"),
      older("update payments set amount = '11' where id = 1"),
    ],
    afterBackfill: [
      newer("select amount from payments order by id", "1100", "2000", "3000"),
      newer("insert into payments (amount) values (450) returning id, amount", "5 | 450"),
      newer("update payments set amount = amount + 100 where id = 2 returning amount", "2100"),
      older("select amount from payments order by id", "11", "21", "30", "4"),
      older("update payments set note = 'rounded' where id = 5"),
      newer("select amount from payments where id = 5", "450"),
    ],
    afterComplete: [
      owner(facts("amount"), "bigint | true | null"),
      owner("select amount from payments order by id", "1100", "2100", "3000", "450"),
      owner(
        "select count(*) from pg_indexes where schemaname = current_schema() and indexname = 'payments_amount' and indexdef like '%(amount)%'",
        "1",
      ),
      owner("insert into payments (amount) values (1) returning id > 5", "true"),
    ],
    afterRollback: [
      owner("select amount from payments order by id", "11", "21", "30", "4"),
      owner("insert into payments (amount) values ('9') returning id > 5", "true"),
    ],
  },
  {
    operation: "alter_column",
    name: "its type, by a cast alone",
    given: PAYMENTS,
    migrations: [alter("size", { type: "bigint" })],
    afterStart: [older("update payments set size = 7 where id = 1")],
    afterBackfill: [
      newer("select size from payments order by id", "7", "null"),
      newer("update payments set size = 8 where id = 2"),
      older("select size from payments order by id", "7", "8"),
      refused(newer("update payments set size = 3000000000"), "out of range"),
    ],
    afterComplete: [owner(facts("size"), "bigint | false | null"), owner("update payments set size = 3000000000")],
    afterRollback: [
      owner(facts("size"), "integer | false | null"),
      owner("select size from payments order by id", "7", "8"),
    ],
  },
  {
    operation: "alter_column",
    name: "the type of a key that others refer to",
    given: PAYMENTS.replace(
      "(amount, note, owner) values ('10', 'n', 1), ('20', null, 9)",
      "(amount, owner) values ('10', 1), ('20', 2)",
    ).concat("; alter table payments add foreign key (owner) references owners (id)"),
    migrations: [
      { alter_column: { table: "owners", column: "id", type: "bigint", up: "id", down: "id::integer" } },
      alter("owner", { type: "bigint", up: "owner", down: "owner::integer" }),
    ],
    afterStart: [older("insert into owners values (10)"), older("update payments set owner = 10 where id = 1")],
    afterBackfill: [
      newer("insert into owners values (20)"),
      newer("update payments set owner = 20 where id = 2"),
      older("select owner from payments order by id", "10", "20"),
      refused(newer("update payments set owner = 99"), "violates foreign key"),
      refused(older("delete from owners where id = 20"), "violates foreign key"),
    ],
    afterComplete: [
      owner(facts("owner"), "bigint | false | null"),
      owner(
        "select conname, convalidated from pg_constraint where conrelid = 'payments'::regclass and contype = 'f'",
        "payments_owner_fkey | true",
      ),
      owner("select conname from pg_constraint where conrelid = 'owners'::regclass and contype = 'p'", "owners_pkey"),
    ],
    afterRollback: [
      owner(facts("owner"), "integer | false | null"),
      owner("select owner from payments order by id", "10", "20"),
    ],
  },
  {
    operation: "alter_column",
    name: "to hold no nulls",
    given: PAYMENTS,
    migrations: [alter("note", { nullable: false, up: "coalesce(note, 'none')", down: "nullif(note, 'none')" })],
    afterStart: [older("insert into payments (amount) values ('30') returning note", "null")],
    afterBackfill: [
      newer("select note from payments order by id", "n", "none", "none"),
      refused(newer("insert into payments (amount, note) values ('40', null)"), "note"),
      newer("insert into payments (amount, note) values ('40', 'x')"),
      older("insert into payments (amount) values ('50')"),
      older("select note from payments order by id", "n", "null", "null", "x", "null"),
    ],
    afterComplete: [
      owner(facts("note"), "text | true | null"),
      owner("select count(*) from payments where note = 'none'", "3"),
    ],
    afterRollback: [owner(facts("note"), "text | false | null"), owner("select count(note) from payments", "2")],
  },
  {
    operation: "alter_column",
    name: "to hold nulls",
    given: PAYMENTS,
    migrations: [alter("amount", { nullable: true, down: "coalesce(amount, '0')" })],
    afterStart: [refused(older("insert into payments (amount) values (null)"), "null value")],
    afterBackfill: [
      newer("insert into payments (amount) values (null) returning amount", "null"),
      older("select amount from payments order by id", "10", "20", "0"),
      refused(newer("insert into payments (amount) values ('')"), "check"),
      refused(older("insert into payments (amount) values (null)"), "null value"),
    ],
    afterComplete: [
      owner(facts("amount"), "text | false | null"),
      owner("select amount from payments order by id", "10", "20", "null"),
      owner(
        "select conname from pg_constraint where conrelid = 'payments'::regclass and contype = 'c'",
        "payments_amount_check",
      ),
    ],
    afterRollback: [
      owner(facts("amount"), "text | true | null"),
      owner("select amount from payments order by id", "10", "20", "0"),
    ],
  },
  {
    operation: "alter_column",
    name: "to be unique",
    given: PAYMENTS,
    migrations: [alter("note", { unique: { name: "note_once" }, up: "coalesce(note, 'row ' || id)", down: "note" })],
    afterStart: [older("insert into payments (amount, note) values ('30', 'm')")],
    afterBackfill: [
      newer("select note from payments order by id", "n", "row 2", "m"),
      refused(newer("insert into payments (amount, note) values ('40', 'n')"), "note_once"),
      newer(
        "insert into payments (amount, note) values ('41', 'n') on conflict (note) do update set amount = '42' returning amount",
        "42",
      ),
      older("select amount from payments where note = 'n'", "42"),
      refused(older("insert into payments (amount, note) values ('50', 'm')"), "note_once"),
    ],
    afterComplete: [
      owner(
        "select conname, contype from pg_constraint where conrelid = 'payments'::regclass and conname = 'note_once'",
        "note_once | u",
      ),
      refused(owner("insert into payments (amount, note) values ('60', 'm')"), "note_once"),
    ],
    afterRollback: [owner("insert into payments (amount, note) values ('60', 'm') returning note", "m")],
  },
  {
    operation: "alter_column",
    name: "to pass a check",
    given: PAYMENTS,
    migrations: [
      alter("note", {
        check: { name: "note_short", constraint: "length(note) < 5" },
        up: "left(note, 4)",
        down: "note",
      }),
    ],
    afterStart: [older("insert into payments (amount, note) values ('30', 'longer')")],
    afterBackfill: [
      newer("select note from payments where id = 3", "long"),
      older("select note from payments where id = 3", "longer"),
      refused(newer("update payments set note = 'longer'"), "note_short"),
      newer("update payments set amount = '31' where id = 3"),
      older("select amount, note from payments where id = 3", "31 | longer"),
    ],
    afterComplete: [
      owner("select note from payments where id = 3", "long"),
      owner(
        "select convalidated from pg_constraint where conrelid = 'payments'::regclass and conname = 'note_short'",
        "true",
      ),
    ],
    afterRollback: [owner("select note from payments where id = 3", "longer")],
  },
  {
    operation: "alter_column",
    name: "to refer to another table",
    given: PAYMENTS,
    migrations: [
      alter("owner", {
        references: { name: "payments_owner", table: "owners", column: "id", on_delete: "SET NULL" },
        up: "select case when exists (select from owners where owners.id = owner) then owner end",
        down: "owner",
      }),
    ],
    afterStart: [
      older("insert into payments (amount, owner) values ('30', 2)"),
      older("select owner from payments order by id", "1", "9", "2"),
    ],
    afterBackfill: [
      newer("select owner from payments order by id", "1", "null", "2"),
      refused(newer("update payments set owner = 9 where id = 1"), "payments_owner"),
      older("insert into payments (amount, owner) values ('40', 8)"),
      newer("delete from owners where id = 2"),
      newer("select owner from payments order by id", "1", "null", "null", "null"),
      older("select owner from payments where id in (2, 4) order by id", "9", "8"),
    ],
    afterComplete: [
      owner(
        "select confdeltype, convalidated from pg_constraint where conname = 'payments_owner' and conrelid = 'payments'::regclass",
        "n | true",
      ),
      refused(owner("update payments set owner = 9"), "payments_owner"),
    ],
    afterRollback: [owner("select owner from payments where id in (1, 2, 4) order by id", "1", "9", "8")],
  },
  {
    operation: "alter_column",
    name: "its default",
    given: PAYMENTS,
    migrations: [alter("state", { default: "'new'" }), alter("size", { default: "5" })],
    afterStart: [older("insert into payments (amount) values ('30') returning state, size", "open | null")],
    afterBackfill: [
      newer("insert into payments (amount) values ('40') returning state, size", "new | 5"),
      older("insert into payments (amount) values ('50') returning state, size", "open | null"),
      newer("insert into payments (amount, size) values ('60', null) returning size", "null"),
    ],
    afterComplete: [
      owner(facts("state"), "text | true | 'new'::text"),
      owner("insert into payments (amount) values ('70') returning state, size", "new | 5"),
      owner("select state, size from payments order by id limit 1", "open | null"),
    ],
    afterRollback: [
      owner(facts("state"), "text | true | 'open'::text"),
      owner(facts("size"), "integer | false | null"),
    ],
  },
  {
    operation: "alter_column",
    name: "to have no default",
    given: PAYMENTS,
    migrations: [alter("state", { default: null })],
    afterStart: [older("insert into payments (amount) values ('30') returning state", "open")],
    afterBackfill: [
      refused(newer("insert into payments (amount) values ('40')"), "null value"),
      newer("insert into payments (amount, state) values ('40', 'x') returning state", "x"),
      older("insert into payments (amount) values ('50') returning state", "open"),
    ],
    afterComplete: [owner(facts("state"), "text | true | null")],
    afterRollback: [owner(facts("state"), "text | true | 'open'::text")],
  },
  {
    operation: "alter_column",
    name: "its comment",
    given: `${PAYMENTS}; comment on column payments.note is 'before'; comment on column payments.size is 'gone'`,
    migrations: [alter("note", { comment: "it's new" }), alter("size", { comment: null })],
    afterStart: [owner("select col_description('payments'::regclass, 3)", "before")],
    afterBackfill: [
      newer("update payments set note = 'x' where id = 1"),
      older("select note from payments where id = 1", "x"),
    ],
    afterComplete: [
      owner(
        "select col_description('payments'::regclass, 3) as note, col_description('payments'::regclass, 6) as size",
        "it's new | null",
      ),
    ],
    afterRollback: [
      owner(
        "select col_description('payments'::regclass, 3) as note, col_description('payments'::regclass, 6) as size",
        "before | gone",
      ),
    ],
  },
  {
    operation: "alter_column",
    name: "several things at once, and its name",
    given: PAYMENTS,
    migrations: [
      alter("note", {
        name: "remark",
        type: "varchar(20)",
        nullable: false,
        unique: { name: "remark_once" },
        check: { name: "remark_given", constraint: "note <> ''" },
        default: "md5(random()::text)::varchar(20)",
        comment: "of the payer",
        up: "coalesce(note, 'row ' || id)",
        down: "note",
      }),
    ],
    afterStart: [older("insert into payments (amount, note) values ('30', 'm') returning note", "m")],
    afterBackfill: [
      newer("select remark from payments order by id", "n", "row 2", "m"),
      refused(newer("insert into payments (amount, remark) values ('40', '')"), "remark_given"),
      refused(newer("insert into payments (amount, remark) values ('40', 'm')"), "remark_once"),
      newer("insert into payments (amount) values ('40') returning length(remark)", "20"),
      older("select count(note) from payments", "3"),
      newer("update payments set remark = 'mine' where id = 2"),
      older("select note from payments where id = 2", "mine"),
    ],
    afterComplete: [
      owner(facts("remark"), "character varying(20) | true | (md5((random())::text))::character varying(20)"),
      owner(
        "select conname from pg_constraint where conrelid = 'payments'::regclass and conname like 'remark%' order by 1",
        "remark_given",
        "remark_once",
      ),
      owner(
        "select col_description('payments'::regclass, attnum) from pg_attribute where attrelid = 'payments'::regclass and attname = 'remark'",
        "of the payer",
      ),
    ],
    afterRollback: [owner("select note from payments where id in (1, 2, 3) order by id", "n", "mine", "m")],
  },
  {
    operation: "alter_column",
    name: "an identity's type, whose numbers go on",
    given: PAYMENTS,
    migrations: [alter("id", { type: "bigint", up: "id", down: "id::integer" })],
    afterStart: [older("insert into payments (amount) values ('30') returning id", "3")],
    afterBackfill: [
      newer("insert into payments (amount) values ('40') returning id", "4"),
      older("insert into payments (amount) values ('50') returning id", "5"),
      older("select id, amount from payments where id > 3 order by id", "4 | 40", "5 | 50"),
    ],
    afterComplete: [
      owner(facts("id"), "bigint | true | null"),
      owner("insert into payments (amount) values ('60') returning id", "6"),
      owner(
        "select conname from pg_constraint where conrelid = 'payments'::regclass and contype = 'p'",
        "payments_pkey",
      ),
    ],
    afterRollback: [owner("insert into payments (amount) values ('60') returning id", "6")],
  },
  {
    operation: "alter_column",
    name: "type, from a number to a boolean, which has no cast",
    given: "create table notes (id integer primary key, flag smallint); insert into notes values (1, 1), (2, 0)",
    migrations: [
      { alter_column: { table: "notes", column: "flag", type: "boolean", up: "flag", down: "flag::integer" } },
    ],
    afterStart: [older("select flag from notes order by id", "1", "0")],
    afterBackfill: [
      newer("select flag from notes order by id", "true", "false"),
      newer("insert into notes values (3, true)"),
      older("select flag from notes where id = 3", "1"),
    ],
    afterComplete: [owner("select flag from notes order by id", "true", "false", "true")],
    afterRollback: [owner("select flag from notes order by id", "1", "0", "1")],
  },
  {
    operation: "alter_column",
    name: "type, of a column without nulls in rows that are written before they are filled",
    given:
      "create table notes (id integer primary key, stars integer not null, body text); insert into notes values (1, 5)",
    migrations: [
      { alter_column: { table: "notes", column: "stars", type: "text", up: "stars::text", down: "stars::integer" } },
    ],
    afterStart: [older("update notes set body = 'x' where id = 1 returning stars", "5")],
    afterBackfill: [newer("select stars, body from notes", "5 | x")],
    afterComplete: [owner("select stars, body from notes", "5 | x")],
    afterRollback: [owner("select stars, body from notes", "5 | x")],
  },
  {
    operation: "alter_column",
    name: "default, to none, of a column that holds no text",
    given: "create table notes (id integer primary key, stars integer default 5)",
    migrations: [{ alter_column: { table: "notes", column: "stars", default: null } }],
    afterStart: [older("insert into notes values (1) returning stars", "5")],
    afterBackfill: [
      newer("insert into notes values (2) returning stars", "null"),
      older("insert into notes values (3) returning stars", "5"),
    ],
    afterComplete: [owner("insert into notes values (4) returning stars", "null")],
    afterRollback: [owner("insert into notes values (4) returning stars", "5")],
  },
];
