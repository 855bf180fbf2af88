import { parseOperations, type Release } from "@aibos/tenant-data";

/** The schema that everything is done to, its copy, and what is made of its backup. */
export const SCHEMA = "t__crash__books";
export const COPY = "rp__crash__books";
export const BACK = "t__crash__back";
export const ROWS = 20_000;

export const TABLES = `
  create table customers (id integer primary key, name text not null);
  create table payments (
    id integer primary key,
    customer integer not null default 1 references customers (id),
    amount numeric not null constraint payments_amount_positive check (amount > 0),
    unique (amount, id)
  );
  create index payments_amount on payments (amount);
  insert into customers values (1, 'Ann Lee');
  insert into payments (id, amount) select -n, n from generate_series(1, ${ROWS}) as n`;

/** Another type, another name, a new table, an index and a key: something of each kind of work. */
export const RELEASE: Release = {
  version: "2",
  files: [
    parseOperations(
      "002_minor_units.yaml",
      `operations:
  - alter_column: { table: payments, column: amount, type: bigint, up: "(amount * 100)::bigint", down: "amount / 100.0" }
  - rename_column: { table: payments, from: amount, to: amount_minor }
  - alter_column: { table: customers, column: id, type: bigint, up: id::bigint, down: id::integer }
  - create_index: { table: payments, name: payments_customer, columns: [customer] }
  - create_table: { name: refunds, columns: [{ name: id, type: bigint, pk: true }] }
`,
    ),
  ],
};
