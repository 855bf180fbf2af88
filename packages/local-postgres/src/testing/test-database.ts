import { randomBytes } from "node:crypto";
import pg from "pg";

/** A fresh database, owned by an ordinary role that may create roles, as on a managed server. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** URL for the owner. */
  readonly url: string;
  /** URL of the same database for a superuser. */
  readonly superuserUrl: string;
  /** Ends every session on it and drops it, with its owner and all roles that the owner created. */
  drop(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env["TEST_DATABASE_URL"] ?? "";
  if (server === "")
    throw new Error("TEST_DATABASE_URL is not set: run the tests with vitest, which starts PostgreSQL.");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  await asSuperuser(server, async (client) => {
    await client.query(`create role ${name} login createrole password '${password}'`);
    await client.query(`create database ${name} owner ${name}`);
  });
  const url = new URL(server);
  url.pathname = `/${name}`;
  const superuserUrl = url.href;
  url.username = name;
  url.password = password;

  let dropped = false;
  async function drop(): Promise<void> {
    if (dropped) return;
    dropped = true;
    await asSuperuser(server, async (client) => {
      await client.query(`drop database if exists ${name} with (force)`);
      const { rows } = await client.query<{ role: string }>(
        `select quote_ident(r.rolname) as role from pg_auth_members m join pg_roles r on r.oid = m.roleid
         where m.member = (select oid from pg_roles where rolname = $1) and m.admin_option`,
        [name],
      );
      for (const { role } of rows) await client.query(`drop role if exists ${role}`);
      await client.query(`drop role if exists ${name}`);
    });
  }
  return { name, url: url.href, superuserUrl, drop, [Symbol.asyncDispose]: drop };
}

async function asSuperuser(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
