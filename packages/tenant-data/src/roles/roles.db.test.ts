import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { dropTenantSchema, provisionTenantSchema, type TenantPlace } from "./tenant-schema.ts";
import { createVersionRole, grantTenant, revokeTenant } from "./version-role.ts";

const DENIED = expect.objectContaining({ code: "42501" }) as Error;
const password = "a'b\\c$d";

let tenant: TenantDatabase;
let acme: TenantPlace;
let globex: TenantPlace;
let versionRole: string;
/** A process of the module's version. */
let session: pg.Client;

beforeEach(async () => {
  tenant = await createTenantDatabase();
  acme = tenant.place;
  globex = { schema: "t__globex__books", role: `${tenant.database.name}_globex` };
  versionRole = `${tenant.database.name}_version`;
  await provisionTenantSchema(tenant.client, globex);
  for (const { schema, role } of [acme, globex]) {
    await tenant.inTransaction(async () => {
      await tenant.client.query(`set local role ${role}`);
      await tenant.client.query(`create table ${schema}.notes as select '${schema}' as body`);
    });
  }
  await createVersionRole(tenant.client, { role: versionRole, password });
  session = await login(password);
});
afterEach(async () => {
  await session.end();
  await tenant[Symbol.asyncDispose]();
});

async function login(secret: string): Promise<pg.Client> {
  const url = new URL(tenant.database.url);
  const client = new pg.Client({
    host: url.hostname,
    port: Number(url.port),
    database: tenant.database.name,
    user: versionRole,
    password: secret,
  });
  await client.connect();
  return client;
}

function grant(to: TenantPlace): Promise<void> {
  return grantTenant(tenant.client, { tenantRole: to.role, versionRole });
}

function revoke(from: TenantPlace): Promise<void> {
  return revokeTenant(tenant.client, { tenantRole: from.role, versionRole });
}

describe("the role of a version", () => {
  it.each([
    ["reads no tenant's table", () => `select * from ${acme.schema}.notes`],
    ["writes no tenant's table", () => `insert into ${acme.schema}.notes values ('x')`],
    ["takes no tenant's role", () => `set role ${acme.role}`],
    ["is nobody else's session", () => `set session authorization ${tenant.database.name}`],
    ["takes not the platform's role", () => `set role ${tenant.database.name}`],
    ["makes no schema", () => "create schema mine"],
    ["makes no table", () => "create table public.mine (n integer)"],
    ["makes no role", () => "create role mine"],
    ["lets nobody in, itself least", () => `grant ${acme.role} to ${versionRole}`],
    ["reads no file of the server", () => "select pg_read_file('postgresql.conf')"],
    ["runs no program", () => "copy (select 1) to program 'cat'"],
    ["sees nobody's verifier", () => "select rolpassword from pg_authid"],
  ])("%s by itself", async (_, sql) => {
    await expect(session.query(sql())).rejects.toEqual(DENIED);
  });

  it("logs in with its latest password only", async () => {
    await createVersionRole(tenant.client, { role: versionRole, password: "another" });
    await expect(login(password)).rejects.toEqual(expect.objectContaining({ code: "28P01" }));
    await (await login("another")).end();
  });

  it("reaches a tenant that it was granted by taking its role, and not otherwise", async () => {
    await grant(acme);
    await grant(acme);
    await expect(session.query(`select * from ${acme.schema}.notes`)).rejects.toEqual(DENIED);
    await session.query(`begin; set local role ${acme.role}`);
    expect((await session.query(`select body from ${acme.schema}.notes`)).rows).toEqual([{ body: acme.schema }]);
    await session.query("commit");
    await expect(session.query(`select * from ${acme.schema}.notes`)).rejects.toEqual(DENIED);
  });

  it("reaches no other tenant in a transaction that took a tenant's role", async () => {
    await grant(acme);
    for (const sql of [
      `select * from ${globex.schema}.notes`,
      `delete from ${globex.schema}.notes`,
      `set role ${globex.role}`,
      `create table ${globex.schema}.mine (n integer)`,
      `alter table ${globex.schema}.notes owner to ${acme.role}`,
      `grant ${globex.role} to ${acme.role}`,
      `alter table ${acme.schema}.notes set schema ${globex.schema}`,
    ]) {
      await session.query(`begin; set local role ${acme.role}`);
      await expect(session.query(sql)).rejects.toEqual(DENIED);
      await session.query("rollback");
    }
    // Not even with both granted: one role at a time.
    await grant(globex);
    await session.query(`begin; set local role ${acme.role}`);
    await expect(session.query(`select * from ${globex.schema}.notes`)).rejects.toEqual(DENIED);
    await session.query("rollback");
  });

  it("is shut out by a revocation at once, but for the transaction that is under way", async () => {
    await grant(acme);
    await grant(globex);
    await session.query(`begin; set local role ${acme.role}`);
    await revoke(acme);
    await revoke(acme);
    expect((await session.query(`select count(*)::int as n from ${acme.schema}.notes`)).rows).toEqual([{ n: 1 }]);
    await session.query("commit");
    await expect(session.query(`set role ${acme.role}`)).rejects.toEqual(DENIED);
    await expect(session.query(`select * from ${acme.schema}.notes`)).rejects.toEqual(DENIED);
    await session.query(`begin; set local role ${globex.role}`);
    expect((await session.query(`select count(*)::int as n from ${globex.schema}.notes`)).rows).toEqual([{ n: 1 }]);
    await session.query("commit");
    await grant(acme);
    await session.query(`set role ${acme.role}`);
  });

  it("is revoked and granted within the transaction that does it: taken back, nothing changed", async () => {
    await grant(acme);
    await tenant.client.query("begin");
    await revoke(acme);
    await tenant.client.query("rollback");
    await expect(session.query(`set role ${acme.role}`)).resolves.toMatchObject({ command: "SET" });
  });
});

describe("a tenant's schema", () => {
  it("is made once and left alone after that", async () => {
    await provisionTenantSchema(tenant.client, acme);
    const { rows } = await tenant.client.query(`select body from ${acme.schema}.notes`);
    expect(rows).toEqual([{ body: acme.schema }]);
  });

  it("has an owner that can't log in", async () => {
    const { rows } = await tenant.client.query(
      "select rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = $1",
      [acme.role],
    );
    expect(Object.values(rows[0] ?? {})).toEqual([false, false, false, false, false]);
  });

  it("is dropped with its role and everything that depends on it, and only that", async () => {
    await grant(acme);
    await dropTenantSchema(tenant.client, acme);
    await dropTenantSchema(tenant.client, acme);
    const { rows: roles } = await tenant.client.query("select from pg_roles where rolname = $1", [acme.role]);
    expect(roles).toHaveLength(0);
    expect((await tenant.client.query(`select body from ${globex.schema}.notes`)).rows).toHaveLength(1);
    await provisionTenantSchema(tenant.client, acme);
    await expect(session.query(`set role ${acme.role}`)).rejects.toEqual(DENIED);
  });
});
