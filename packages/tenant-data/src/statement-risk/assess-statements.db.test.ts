import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { assessStatements } from "./assess-statements.ts";
import { type LockLevel, LOCK_LEVELS, strongest } from "./statement-risk.ts";

// What is said about a statement is compared with what a server does: the locks that it really takes, and whether the
// table gets a new file.

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create table customers (id bigint primary key, name text not null, email varchar(50), born date);
    insert into customers select n, 'name ' || n, n || '@example.com', '2000-01-01' from generate_series(1, 100) n;
    create table invoices (id bigint primary key, customer_id bigint, total numeric, note text, small int,
      constraint positive check (total > 0) not valid);
    insert into invoices select n, n, n, 'note', 1 from generate_series(1, 100) n;
    create index invoices_customer on invoices (customer_id);
    create unique index invoices_unique on invoices (id, customer_id);
    create table ledger (id int, year int) partition by range (year);
    create table ledger_2025 partition of ledger for values from (2025) to (2026);
    create table ledger_2026 (id int, year int);
    create table parent (id int);
    create view totals as select customer_id, sum(total) as total from invoices group by 1;
    create materialized view counted as select customer_id, count(*) from invoices group by 1;
    create unique index counted_key on counted (customer_id);
    create type mood as enum ('happy', 'sad');
    create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger touched before update on customers for each row execute function touch();
    create policy everybody on customers using (true);
  `);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const RELATIONS = ["customers", "invoices", "ledger", "ledger_2025", "ledger_2026", "parent", "totals", "counted"];

interface Relation {
  oid: number;
  relname: string;
  relfilenode: number;
}

async function readRelations(oids?: number[]): Promise<Relation[]> {
  const { rows } = await client.query<Relation>(
    "select oid, relname, relfilenode from pg_class where relname = any($1) or oid = any($2::oid[])",
    [oids === undefined ? RELATIONS : [], oids ?? []],
  );
  return rows;
}

/** Runs a statement in a transaction that is rolled back; gives each relation's strongest lock, and who got a new file. */
async function observe(statement: string): Promise<{ locks: Map<string, LockLevel>; rewritten: string[] }> {
  const before = await readRelations();
  await client.query("begin");
  try {
    await client.query(statement);
    const { rows } = await client.query<{ oid: number; mode: LockLevel }>(
      "select relation as oid, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation'",
    );
    const locks = new Map<string, LockLevel>();
    for (const { relname, oid } of before) {
      const modes = rows.filter((row) => row.oid === oid).map((row) => row.mode);
      const strongestMode = LOCK_LEVELS.findLast((level) => modes.includes(level));
      if (strongestMode !== undefined) locks.set(relname, strongestMode);
    }
    const after = await readRelations(before.map(({ oid }) => oid));
    const rewritten = before.filter(({ oid, relfilenode }) =>
      after.some((relation) => relation.oid === oid && relation.relfilenode !== relfilenode),
    );
    return { locks, rewritten: rewritten.map(({ relname }) => relname) };
  } finally {
    await client.query("rollback");
  }
}

const STATEMENTS = [
  "alter table customers add column note text",
  "alter table customers add column note text not null default 'x'",
  "alter table customers add column seen timestamptz default now()",
  "alter table customers add column token uuid default gen_random_uuid()",
  "alter table customers add column number serial",
  "alter table customers add column number bigint generated always as identity",
  "alter table customers add column twice bigint generated always as (id * 2) stored",
  "alter table customers add column twice bigint generated always as (id * 2) virtual",
  "alter table customers add column parent bigint references invoices (id)",
  "alter table customers add column code text unique",
  "alter table customers add column age int check (age > 0)",
  "alter table customers drop column born",
  "alter table customers alter column name type varchar(10) using left(name, 10)",
  "alter table invoices alter column small type bigint",
  "alter table customers alter column email type varchar(100)",
  "alter table customers alter column email set not null",
  "alter table customers alter column name drop not null",
  "alter table customers alter column name set default 'x'",
  "alter table customers alter column name drop default",
  "alter table customers alter column name set statistics 500",
  "alter table customers alter column name set (n_distinct = 5)",
  "alter table customers alter column name set storage external",
  "alter table customers set (fillfactor = 70)",
  "alter table customers reset (fillfactor)",
  "alter table customers set unlogged",
  "alter table customers enable row level security",
  "alter table customers force row level security",
  "alter table customers replica identity full",
  "alter table customers disable trigger touched",
  "alter table customers enable trigger all",
  "alter table customers add constraint named check (name <> '')",
  "alter table customers add constraint named check (name <> '') not valid",
  "alter table invoices validate constraint positive",
  "alter table invoices drop constraint positive",
  "alter table invoices add constraint buyer foreign key (customer_id) references customers (id)",
  "alter table invoices add constraint buyer foreign key (customer_id) references customers (id) not valid",
  "alter table customers add constraint one unique (name)",
  "alter table invoices add constraint one unique using index invoices_unique",
  "alter table customers cluster on customers_pkey",
  "alter table ledger attach partition ledger_2026 for values from (2026) to (2027)",
  "alter table ledger detach partition ledger_2025",
  "alter table customers add column a int, alter column name set statistics 100",
  "alter table customers rename column name to title",
  "alter table customers rename to people",
  "alter table customers rename constraint customers_pkey to people_pkey",
  "create index on customers (name)",
  "create unique index on customers (email)",
  "create table payments (id int, invoice_id bigint references invoices (id))",
  "create table ledger_2027 partition of ledger for values from (2027) to (2028)",
  "create table child () inherits (parent)",
  "create table copied as select * from customers",
  "create view names as select name from customers",
  "create or replace view totals as select customer_id, sum(total) as total from invoices group by 1",
  "refresh materialized view counted",
  "create trigger other before insert on customers for each row execute function touch()",
  "drop trigger touched on customers",
  "create rule nothing as on delete to parent do instead nothing",
  "create policy own on customers using (id > 0)",
  "alter policy everybody on customers using (false)",
  "drop policy everybody on customers",
  "create statistics pair on customer_id, total from invoices",
  "comment on table customers is 'people'",
  "comment on column customers.name is 'their name'",
  "lock table customers in share mode",
  "lock table customers",
  "insert into customers (id, name) select id + 1000, note from invoices",
  "update customers set name = upper(name)",
  "update customers c set name = i.note from invoices i where i.customer_id = c.id",
  "delete from customers where id = 1",
  "select * from customers",
  "select * from customers for update",
  "with old as (select * from customers) select * from old join invoices on true",
  "truncate customers",
  "drop table invoices cascade",
  "drop view totals",
  "drop materialized view counted",
  "cluster customers using customers_pkey",
  "reindex table customers",
  "grant select on customers to public",
  "create sequence numbers",
  "create type pair as (a int, b int)",
];

test.each(STATEMENTS)("%s", async (statement) => {
  const [risk] = await assessStatements(statement);
  const { locks, rewritten } = await observe(statement);
  expect(risk?.known).toBe(true);
  const said = new Map<string, LockLevel>();
  for (const { relation, lock } of risk?.effects ?? []) {
    const known = said.get(relation);
    if (known === undefined || LOCK_LEVELS.indexOf(lock) > LOCK_LEVELS.indexOf(known)) said.set(relation, lock);
  }
  // No lock that matters goes unmentioned, none is said to be weaker or stronger than it is, and none is made up. What
  // else a cascade takes along, only the database knows.
  const cascades = statement.endsWith(" cascade");
  const counted = [...locks].filter(
    ([relation, lock]) => said.has(relation) || (lock !== "AccessShareLock" && !cascades),
  );
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(counted));

  // TRUNCATE gives the table a new file with nothing in it.
  const truncates = risk?.kind === "TruncateStmt";
  const certain = new Set(risk?.effects.filter(({ rewrites }) => rewrites === "yes").map(({ relation }) => relation));
  const unknown = new Set(
    risk?.effects.filter(({ rewrites }) => rewrites === "unknown").map(({ relation }) => relation),
  );
  const seen = truncates ? [] : rewritten.filter((relation) => !unknown.has(relation));
  expect([...certain].sort()).toEqual(seen.sort());
});

describe("a text of several statements", () => {
  test("is told statement by statement, with lines", async () => {
    const risks = await assessStatements(
      "-- first\nselect 1;\n\n/* second */ alter table\n  customers drop column born;\n",
    );
    expect(risks.map(({ line, statement }) => [line, statement])).toEqual([
      [2, "select 1"],
      [4, "alter table customers drop column born"],
    ]);
    expect(risks[1]).toMatchObject({ reversible: "no", findings: [{ code: "loses-data" }] });
  });

  test("has nobody waiting for tables that it makes itself", async () => {
    const risks = await assessStatements(
      "create table fresh (id int); create index on fresh (id); alter table fresh add check (id > 0)",
    );
    expect(risks.flatMap(({ effects, findings }) => [...effects, ...findings])).toEqual([]);
  });
});

test("a statement of an unknown kind, or with an unknown action, is unknown, not safe", async () => {
  const [block] = await assessStatements("do $$ begin execute 'drop table customers'; end $$");
  expect(block).toMatchObject({ kind: "DoStmt", known: false, reversible: "unknown", findings: [{ code: "unknown" }] });
  const [call] = await assessStatements("call somebody()");
  expect(call).toMatchObject({ known: false });
});

test("what runs only outside of a transaction says so, and what locks it takes", async () => {
  const risks = await assessStatements(
    "create index concurrently on customers (name); drop index concurrently customers_name; vacuum full customers; reindex (concurrently) table customers",
  );
  expect(risks.map(({ inTransaction }) => inTransaction)).toEqual([false, false, false, false]);
  expect(risks.map(({ effects }) => strongest(effects))).toEqual([
    "ShareUpdateExclusiveLock",
    "ShareUpdateExclusiveLock",
    "AccessExclusiveLock",
    "ShareUpdateExclusiveLock",
  ]);
});

test("a function that nothing is known about may be volatile", async () => {
  const [risk] = await assessStatements("alter table customers add column a int default somebody()");
  expect(risk?.effects[0]?.rewrites).toBe("unknown");
  expect(risk?.findings[0]).toMatchObject({ code: "rewrites-table", safer: expect.stringContaining("batches") });
});
