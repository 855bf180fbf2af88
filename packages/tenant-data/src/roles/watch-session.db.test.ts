import { expect, test } from "vitest";
import { createTenantDatabase } from "../testing/tenant-database.ts";
import { withTenantSession } from "./tenant-session.ts";
import { type HeldLock, watchSession } from "./watch-session.ts";

test("a watched session tells what is run, what the server says, and which locks others waited for", async () => {
  await using tenant = await createTenantDatabase();
  await tenant.given("create table bills (id int primary key); create table quiet (id int primary key);");
  const locks: HeldLock[] = [];
  const statements: string[] = [];
  const notices: string[] = [];
  await withTenantSession(
    { platform: tenant.client, url: tenant.database.url, place: tenant.place },
    async (session) => {
      await watchSession(session, {
        lock: (lock) => void locks.push(lock),
        statement: ({ sql }) => void statements.push(sql),
        notice: (message) => void notices.push(message),
      });
      const { client } = session;
      await client.query("begin");
      await client.query("alter table bills add column paid boolean");
      await client.query("create table fresh (id int)");
      await client.query("insert into quiet values (1)");
      await client.query("select pg_sleep(0.05)");
      await client.query("commit");
      await client.query("do $$ begin raise notice 'half way'; end $$");
      await client.query({ text: "insert into quiet values ($1)", values: [2] });
    },
  );
  expect(locks.filter(({ table }) => table !== "bills")).toEqual([]);
  expect(locks[0]).toMatchObject({ table: "bills", mode: "AccessExclusiveLock" });
  // A lower bound that the server's own sleep gives.
  expect(locks[0]?.ms).toBeGreaterThan(49);
  expect(notices).toEqual(["half way"]);
  expect(statements).toEqual([
    "alter table bills add column paid boolean",
    "create table fresh (id int)",
    "insert into quiet values (1)",
    "do $$ begin raise notice 'half way'; end $$",
    "insert into quiet values ($1)",
  ]);
});
