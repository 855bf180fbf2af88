import { newer, type OperationCase, older, owner, refused } from "./operation-case.ts";

const CUSTOMERS =
  "create table customers (id integer primary key, name text not null); insert into customers values (1, 'Ann')";
const CLIENTS = `create table clients (id integer generated always as identity primary key, name text not null);
  create table orders (id integer primary key, client integer not null references clients (id) on delete cascade);
  create index clients_name on clients (name);
  insert into clients (name) values ('Ann'); insert into orders values (1, 1)`;
const NOTES = `create table notes (id integer primary key, body text); create table old_notes (body text not null);
  create index old_notes_body on old_notes (body); insert into old_notes values ('kept')`;

export const TABLE_CASES: readonly OperationCase[] = [
  {
    operation: "create_table",
    name: "with identity, reference, default, check and comment",
    given: CUSTOMERS,
    migrations: [
      {
        create_table: {
          name: "orders",
          comment: "What customers buy",
          columns: [
            { name: "id", type: "bigint", pk: true, generated: { identity: { user_specified_values: "BY DEFAULT" } } },
            {
              name: "customer",
              type: "integer",
              references: { name: "orders_customer", table: "customers", column: "id", on_delete: "CASCADE" },
            },
            { name: "total", type: "numeric", default: "0", check: { name: "total_given", constraint: "total >= 0" } },
            { name: "twice", type: "numeric", nullable: true, generated: { expression: "total * 2" } },
            { name: "note", type: "text", nullable: true, unique: true, comment: "of the customer" },
          ],
        },
      },
    ],
    afterStart: [
      older("insert into customers values (2, 'Bob') returning name", "Bob"),
      older("select count(*) from customers", "2"),
    ],
    afterBackfill: [
      newer("insert into orders (customer, note) values (1, 'a') returning id, total, twice", "1 | 0 | 0"),
      newer("insert into orders (customer, total) values (2, 4) returning id, twice", "2 | 8"),
      refused(newer("insert into orders (customer, total) values (1, -1)"), "total_given"),
      refused(newer("insert into orders (customer) values (9)"), "orders_customer"),
      refused(newer("insert into orders (customer, note) values (1, 'a')"), "orders_note_key"),
      older("delete from customers where id = 2"),
      newer("select id from orders", "1"),
    ],
    afterComplete: [
      owner("select id, customer, total, note from orders", "1 | 1 | 0 | a"),
      owner("select obj_description('orders'::regclass)", "What customers buy"),
      owner(
        "select conname from pg_constraint where conrelid = 'orders'::regclass and contype <> 'n' order by 1",
        "orders_customer",
        "orders_note_key",
        "orders_pkey",
        "total_given",
      ),
    ],
    afterRollback: [owner("select to_regclass('orders')", "null"), owner("select * from customers", "1 | Ann")],
  },
  {
    operation: "create_table",
    name: "with constraints of the whole table, and a reference to a table of the same release",
    given: CUSTOMERS,
    migrations: [
      {
        create_table: {
          name: "rooms",
          columns: [
            { name: "house", type: "integer" },
            { name: "room", type: "integer" },
          ],
          constraints: [{ name: "rooms_key", type: "primary_key", columns: ["house", "room"] }],
        },
      },
      {
        create_table: {
          name: "stays",
          columns: [
            { name: "house", type: "integer" },
            { name: "room", type: "integer" },
            { name: "days", type: "int4range" },
          ],
          constraints: [
            { name: "stays_days", type: "check", check: "not isempty(days)" },
            {
              name: "stays_room",
              type: "foreign_key",
              columns: ["house", "room"],
              references: { table: "rooms", columns: ["house", "room"], on_delete: "CASCADE" },
            },
            {
              name: "stays_apart",
              type: "exclude",
              exclude: { index_method: "gist", elements: "days with &&" },
            },
          ],
        },
      },
    ],
    afterStart: [older("select * from customers", "1 | Ann")],
    afterBackfill: [
      newer("insert into rooms values (1, 1)"),
      newer("insert into stays values (1, 1, '[1,3)')"),
      refused(newer("insert into stays values (1, 2, '[5,6)')"), "stays_room"),
      refused(newer("insert into stays values (1, 1, '[2,4)')"), "stays_apart"),
      refused(newer("insert into stays values (1, 1, 'empty')"), "stays_days"),
      refused(newer("insert into rooms values (1, 1)"), "rooms_key"),
    ],
    afterComplete: [owner("delete from rooms"), owner("select * from stays")],
    afterRollback: [owner("select count(to_regclass(name)) from unnest('{rooms, stays}'::text[]) name", "0")],
  },
  {
    operation: "create_table",
    name: "that operations after it change",
    given: CUSTOMERS,
    migrations: [
      {
        create_table: {
          name: "drafts",
          columns: [
            { name: "id", type: "integer", pk: true },
            { name: "size", type: "text", nullable: true },
            { name: "gone", type: "text", nullable: true },
          ],
        },
      },
      { add_column: { table: "drafts", column: { name: "state", type: "text", default: "'new'" } } },
      { alter_column: { table: "drafts", column: "size", type: "integer", nullable: false, up: "size::integer" } },
      { rename_column: { table: "drafts", from: "size", to: "bytes" } },
      { drop_column: { table: "drafts", column: "gone" } },
      { create_index: { table: "drafts", name: "drafts_bytes", columns: ["bytes"] } },
      { create_constraint: { table: "drafts", name: "some", type: "check", columns: ["bytes"], check: "bytes > 0" } },
      { rename_constraint: { table: "drafts", from: "some", to: "bytes_given" } },
      { rename_table: { from: "drafts", to: "letters" } },
    ],
    afterStart: [older("select * from customers", "1 | Ann")],
    afterBackfill: [
      newer("insert into letters (id, bytes) values (1, 2) returning *", "1 | 2 | new"),
      refused(newer("insert into letters (id, bytes) values (2, 0)"), "bytes_given"),
      refused(newer("insert into letters (id) values (2)"), "null value"),
    ],
    afterComplete: [
      owner("select * from letters", "1 | 2 | new"),
      owner(
        "select indexname from pg_indexes where tablename = 'letters' and schemaname = current_schema() order by 1",
        "drafts_bytes",
        "drafts_pkey",
      ),
    ],
    afterRollback: [owner("select count(to_regclass(name)) from unnest('{drafts, letters}'::text[]) name", "0")],
  },
  {
    operation: "create_table",
    name: "with the name of one that is there",
    given: CUSTOMERS,
    migrations: [{ create_table: { name: "customers", columns: [{ name: "id", type: "int" }] } }],
    expectedStartError: 'there is a table "customers" already',
  },
  {
    operation: "create_table",
    name: "with two primary keys",
    given: CUSTOMERS,
    migrations: [
      {
        create_table: {
          name: "n",
          columns: [{ name: "id", type: "int", pk: true }],
          constraints: [{ name: "k", type: "primary_key", columns: ["id"] }],
        },
      },
    ],
    expectedStartError: "declares its primary key twice",
  },
  {
    operation: "create_table",
    name: "with a type that is none",
    given: CUSTOMERS,
    migrations: [{ create_table: { name: "n", columns: [{ name: "id", type: "nothing" }] } }],
    expectedStartError: 'type "nothing" does not exist',
  },
  {
    operation: "create_table",
    name: "that refers to a table that is not there",
    given: CUSTOMERS,
    migrations: [
      {
        create_table: {
          name: "n",
          columns: [{ name: "id", type: "int", references: { name: "r", table: "nobody", column: "id" } }],
        },
      },
    ],
    expectedStartError: 'there is no table "nobody"; there are customers',
  },
  {
    operation: "rename_table",
    name: "that others refer to",
    given: CLIENTS,
    migrations: [{ rename_table: { from: "clients", to: "customers" } }],
    afterStart: [
      older("insert into clients (name) values ('Bob') returning id", "2"),
      older("select name from clients order by id", "Ann", "Bob"),
    ],
    afterBackfill: [
      newer("insert into customers (name) values ('Cyd') returning id", "3"),
      newer("insert into orders values (2, 3)"),
      older("update clients set name = 'Cy' where id = 3"),
      newer("select name from customers order by id", "Ann", "Bob", "Cy"),
      newer("delete from customers where id = 1"),
      older("select id, client from orders", "2 | 3"),
    ],
    afterComplete: [
      owner("select to_regclass('clients'), to_regclass('customers') is not null", "null | true"),
      owner("insert into customers (name) values ('Dee') returning id", "4"),
      owner(
        "select tablename from pg_indexes where indexname = 'clients_name' and schemaname = current_schema()",
        "customers",
      ),
      refused(owner("insert into orders values (3, 9)"), "orders_client_fkey"),
    ],
    afterRollback: [
      owner("select to_regclass('customers')", "null"),
      owner("select name from clients order by id", "Bob", "Cy"),
    ],
  },
  {
    operation: "rename_table",
    name: "whose new name operations after it use",
    given: CLIENTS,
    migrations: [
      { rename_table: { from: "clients", to: "customers" } },
      { add_column: { table: "customers", column: { name: "label", type: "text" }, up: "upper(name)" } },
    ],
    afterStart: [
      older("insert into clients (name) values ('Bob')"),
      older("select * from clients order by id", "1 | Ann", "2 | Bob"),
    ],
    afterBackfill: [
      newer("select name, label from customers order by id", "Ann | ANN", "Bob | BOB"),
      newer("insert into customers (name, label) values ('Cyd', 'c')"),
      older("select * from clients where id = 3", "3 | Cyd"),
    ],
    afterComplete: [owner("select label from customers order by id", "ANN", "BOB", "c")],
    afterRollback: [owner("select * from clients order by id", "1 | Ann", "2 | Bob", "3 | Cyd")],
  },
  {
    operation: "rename_table",
    name: "to the name of another",
    given: CLIENTS,
    migrations: [{ rename_table: { from: "clients", to: "orders" } }],
    expectedStartError: 'there is a table "orders" already',
  },
  {
    operation: "rename_table",
    name: "that is not there",
    given: CLIENTS,
    migrations: [{ rename_table: { from: "nobody", to: "somebody" } }],
    expectedStartError: 'there is no table "nobody"; there are clients, orders.',
  },
  {
    operation: "drop_table",
    name: "that the older version goes on using",
    given: NOTES,
    migrations: [{ drop_table: { name: "old_notes" } }],
    afterStart: [older("insert into old_notes values ('added') returning body", "added")],
    afterBackfill: [
      older("insert into old_notes values ('later')"),
      newer("insert into notes values (1, 'new')"),
      older("select body from old_notes order by 1", "added", "kept", "later"),
    ],
    afterComplete: [
      owner("select count(to_regclass(name)) from unnest('{old_notes, old_notes_body}'::text[]) name", "0"),
      owner("select * from notes", "1 | new"),
    ],
    afterRollback: [owner("select body from old_notes order by 1", "added", "kept", "later")],
  },
  {
    operation: "drop_table",
    name: "with the reference of a table that stays",
    given: CLIENTS,
    migrations: [
      { drop_table: { name: "clients" } },
      {
        drop_constraint: {
          table: "orders",
          name: "orders_client_fkey",
          up: "client",
          down: "1",
        },
      },
    ],
    afterStart: [refused(older("insert into orders values (2, 9)"), "orders_client_fkey")],
    afterBackfill: [
      older("insert into clients (name) values ('Bob') returning id", "2"),
      newer("insert into orders values (2, 9)"),
      older("select client from orders order by id", "1", "1"),
      newer("select client from orders order by id", "1", "9"),
    ],
    afterComplete: [
      owner("select to_regclass('clients')", "null"),
      owner("select client from orders order by id", "1", "9"),
    ],
    afterRollback: [
      owner("select client from orders order by id", "1", "1"),
      refused(owner("insert into orders values (3, 9)"), "orders_client_fkey"),
    ],
  },
  {
    operation: "drop_table",
    name: "and the one that refers to it",
    given: CLIENTS,
    migrations: [{ drop_table: { name: "clients" } }, { drop_table: { name: "orders" } }],
    afterStart: [older("insert into clients (name) values ('Bob') returning id", "2")],
    afterBackfill: [older("insert into orders values (2, 2)"), older("select count(*) from orders", "2")],
    afterComplete: [owner("select count(to_regclass(name)) from unnest('{clients, orders}'::text[]) name", "0")],
    afterRollback: [refused(owner("insert into orders values (3, 9)"), "orders_client_fkey")],
  },
  {
    operation: "drop_table",
    name: "that a table which stays refers to",
    given: CLIENTS,
    migrations: [{ drop_table: { name: "clients" } }],
    expectedStartError:
      '"orders_client_fkey" of table "orders" refers to table "clients", which the release drops; drop it by "drop_constraint" in the same release.',
  },
  {
    operation: "drop_table",
    name: "whose rows refer to a table with another key from now on",
    given: `create table clients (id integer primary key, name text);
      create table orders (id integer primary key, client integer references clients (id));
      insert into clients values (1, 'Ann'); insert into orders values (1, 1)`,
    migrations: [
      { drop_table: { name: "orders" } },
      { alter_column: { table: "clients", column: "id", type: "bigint", up: "id", down: "id" } },
    ],
    afterStart: [older("select count(*) from orders", "1")],
    afterBackfill: [newer("insert into clients (id, name) values (9, 'Zoe') returning id", "9")],
    afterComplete: [
      owner("select to_regclass('orders') is null", "true"),
      owner("select pg_typeof(id) from clients where id = 9", "bigint"),
    ],
    afterRollback: [refused(owner("insert into orders values (3, 99)"), "orders_client_fkey")],
  },
  {
    operation: "create_table",
    name: "with the name that another one gives up",
    given: "create table orders (id integer primary key); insert into orders values (1)",
    migrations: [
      { rename_table: { from: "orders", to: "old_orders" } },
      { create_table: { name: "orders", columns: [{ name: "id", type: "integer", pk: true }] } },
    ],
    afterStart: [older("select * from orders", "1")],
    afterBackfill: [newer("insert into orders values (7)"), newer("select * from old_orders", "1")],
    afterComplete: [
      owner("select * from orders", "7"),
      owner(
        "select conname from pg_constraint where conrelid = 'old_orders'::regclass and contype = 'p'",
        "orders_pkey",
      ),
      owner("select conname from pg_constraint where conrelid = 'orders'::regclass and contype = 'p'", "orders_pkey1"),
    ],
    afterRollback: [owner("select * from orders", "1")],
  },
  {
    operation: "drop_table",
    name: "and another one of its name made",
    given: NOTES,
    migrations: [
      { drop_table: { name: "old_notes" } },
      { create_table: { name: "old_notes", columns: [{ name: "id", type: "integer", pk: true }] } },
    ],
    afterStart: [older("insert into old_notes values ('added')")],
    afterBackfill: [
      newer("insert into old_notes values (7)"),
      older("select body from old_notes order by 1", "added", "kept"),
    ],
    afterComplete: [
      owner("select * from old_notes", "7"),
      owner(
        "select conname from pg_constraint where conrelid = 'old_notes'::regclass and contype = 'p'",
        "old_notes_pkey",
      ),
    ],
    afterRollback: [owner("select * from old_notes order by 1", "added", "kept")],
  },
  {
    operation: "drop_table",
    name: "that is not there",
    given: NOTES,
    migrations: [{ drop_table: { name: "n" } }],
    expectedStartError: 'there is no table "n"; there are notes, old_notes.',
  },
];
