import { EventEmitter, once } from "node:events";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { countWritesSince } from "../writes/count-writes.ts";
import { takeWriteBaseline, type WriteBaseline } from "../writes/write-baseline.ts";
import { createSchemaCopy } from "./create-schema-copy.ts";

const schema = "t__acme__books";
let tenant: TenantDatabase;
let copier: pg.Client;
const sessions: pg.Client[] = [];

beforeEach(async () => {
  tenant = await createTenantDatabase(schema);
  await tenant.given(`
    create table debits (id bigint generated always as identity primary key, cents int not null, version int not null default 0);
    create table credits (id bigint generated always as identity primary key, cents int not null, version int not null default 0);
    create table parts (id int primary key, note text) partition by range (id);
    create table parts_low partition of parts for values from (0) to (100);
    insert into debits (cents) select n from generate_series(1, 20000) n;
    insert into credits (cents) select n from generate_series(1, 20000) n;
    insert into parts select n, 'part' from generate_series(1, 50) n`);
  copier = await connect();
});
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.end();
  await tenant[Symbol.asyncDispose]();
});

/** A session that gives up on any lock that it does not get at once. */
async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: tenant.database.url, options: "-c lock_timeout=50ms" });
  await client.connect();
  sessions.push(client);
  return client;
}

async function writer(): Promise<pg.Client> {
  const client = await connect();
  await client.query(`set role ${tenant.place.role}; set search_path to ${schema}`);
  return client;
}

/** Copies in one snapshot, and runs `meanwhile` before the copy's transaction ends, when it has all the locks it takes. */
async function copy(meanwhile?: () => Promise<void>): Promise<WriteBaseline> {
  await copier.query("begin isolation level repeatable read");
  const { rowsByTable } = await createSchemaCopy(copier, { from: schema, to: "rp" });
  const baseline = await takeWriteBaseline(copier, schema, rowsByTable);
  await meanwhile?.();
  await copier.query("commit");
  return baseline;
}

function counted(baseline: WriteBaseline) {
  return tenant.inTransaction(() => countWritesSince(tenant.client, { schema, baseline, copy: "rp" }));
}

/** The writes that a comparison of both schemas row by row finds. */
async function compared(table: string) {
  const { rows } = await tenant.client.query<{ inserted: number; updated: number; deleted: number }>(
    `select count(*) filter (where c.id is null)::int as inserted, count(*) filter (where l.id is null)::int as deleted,
       count(*) filter (where l.version <> c.version)::int as updated
     from ${schema}.${table} l full join rp.${table} c using (id)`,
  );
  return { table, ...rows[0], exact: true };
}

describe("a copy in one snapshot", () => {
  it("keeps nobody from writing: all its locks on the original are the weakest that there is", async () => {
    const other = await writer();
    const baseline = await copy(async () => {
      const { rows } = await tenant.client.query(
        `select distinct l.mode from pg_locks l join pg_class c on c.oid = l.relation
         join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1`,
        [schema],
      );
      expect(rows).toEqual([{ mode: "AccessShareLock" }]);
      await other.query(`insert into debits (cents) values (1); update credits set cents = 0 where id = 7;
        delete from credits where id = 8; insert into parts values (77); delete from parts`);
      await expect(other.query("alter table debits add column more int")).rejects.toThrow(/lock timeout/);
    });
    const { rows } = await tenant.client.query("select count(*)::int as n from rp.parts");
    expect(rows).toEqual([{ n: 50 }]);
    expect(await counted(baseline)).toEqual([
      { table: "credits", inserted: 0, updated: 1, deleted: 1, exact: true },
      { table: "debits", inserted: 1, updated: 0, deleted: 0, exact: true },
      { table: "parts", inserted: 0, updated: 0, deleted: 50, exact: true },
    ]);
  });

  it("is of one moment, and each write after it is counted once, while several go on writing", async () => {
    const stop = new AbortController();
    const commits = new EventEmitter();
    let committed = 0;
    /** Keeps both tables equal by rows of its own, half of each transaction in subtransactions. */
    const write = async (session: pg.Client, first: number): Promise<void> => {
      for (let id = first; !stop.signal.aborted; id = (id + 3) % 19_800) {
        await session.query(`begin;
          update debits set cents = cents + 5, version = version + 1 where id = ${id};
          savepoint a; insert into debits (cents) values (${id}); savepoint b;
          update credits set cents = cents + 5, version = version + 1 where id = ${id};
          release b; release a; savepoint c; delete from credits where id = ${id}; rollback to c;
          do $$ begin
            insert into credits (cents) values (${id}); delete from debits where id = ${id + 150};
          exception when division_by_zero then null; end $$;
          delete from credits where id = ${id + 150}; commit`);
        committed += 1;
        commits.emit("commit");
      }
    };
    const writers = [];
    for (const first of [1, 2, 3]) writers.push(write(await writer(), first));
    await once(commits, "commit");
    const before = committed;
    const baseline = await copy();
    const meanwhile = committed - before;
    await once(commits, "commit");
    stop.abort();
    await Promise.all(writers);

    expect(meanwhile).toBeGreaterThan(0);
    const { rows } = await tenant.client.query<{ same: boolean }>(
      `select d = c as same from (select count(*) || ' ' || sum(cents) as d from rp.debits) d,
         (select count(*) || ' ' || sum(cents) as c from rp.credits) c`,
    );
    expect(rows).toEqual([{ same: true }]);
    expect(await counted(baseline)).toEqual([await compared("credits"), await compared("debits")]);
  });

  it("is not made when a table was truncated between its snapshot and its locks", async () => {
    const other = await writer();
    await copier.query("begin isolation level repeatable read; select");
    await other.query("truncate debits");
    await expect(createSchemaCopy(copier, { from: schema, to: "rp" })).rejects.toMatchObject({ code: "40001" });
    await copier.query("rollback");
  });

  it("counts what a subtransaction wrote before the snapshot and committed after it", async () => {
    const other = await writer();
    await other.query(
      "begin; insert into parts values (60); savepoint a; insert into debits (cents) values (1); release a",
    );
    // Later numbers that ended before: no number alone tells which came first.
    const quick = await writer();
    await quick.query("insert into credits (cents) values (1)");
    const baseline = await copy();
    await other.query("commit");
    expect(await counted(baseline)).toEqual([
      { table: "debits", inserted: 1, updated: 0, deleted: 0, exact: true },
      { table: "parts", inserted: 1, updated: 0, deleted: 0, exact: true },
    ]);
  });

  it("has sequences at least as far as its rows", async () => {
    const other = await writer();
    await copy(async () => {
      await other.query("insert into debits (cents) values (1)");
    });
    const { rows } = await tenant.client.query<{ fits: boolean }>(
      "select s.last_value >= max(d.id) as fits from rp.debits_id_seq s, rp.debits d group by s.last_value",
    );
    expect(rows).toEqual([{ fits: true }]);
  });
});
