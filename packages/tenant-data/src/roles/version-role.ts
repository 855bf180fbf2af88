import type { ClientBase } from "pg";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { scramVerifier } from "./scram-verifier.ts";

/**
 * Makes the role that a module version's processes log in as; one that exists gets this password. It can do nothing by
 * itself: each transaction must take a tenant's role, which {@link grantTenant} allows. The server sees a verifier,
 * never the password.
 */
export async function createVersionRole(
  client: ClientBase,
  { role, password }: { role: string; password: string },
): Promise<void> {
  const { rowCount } = await client.query("select from pg_roles where rolname = $1", [role]);
  const name = quoteIdentifier(role);
  if (rowCount === 0) await client.query(`create role ${name} login noinherit`);
  await client.query(`alter role ${name} password ${quoteLiteral(scramVerifier(password))}`);
}

/** Lets a version reach a tenant's data. Repeatable. */
export async function grantTenant(
  client: ClientBase,
  { tenantRole, versionRole }: { tenantRole: string; versionRole: string },
): Promise<void> {
  const grant = `grant ${quoteIdentifier(tenantRole)} to ${quoteIdentifier(versionRole)}`;
  await client.query((await hasGrantOptions(client)) ? `${grant} with inherit false, set true` : grant);
}

/**
 * Shuts a version out of a tenant's data: its next `set role` fails with 42501. A transaction that took the role before
 * keeps it to its end, so wait for those that are under way.
 */
export async function revokeTenant(
  client: ClientBase,
  { tenantRole, versionRole }: { tenantRole: string; versionRole: string },
): Promise<void> {
  const { rowCount } = await client.query(
    `select from pg_auth_members a join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member
     where r.rolname = $1 and m.rolname = $2`,
    [tenantRole, versionRole],
  );
  if (rowCount === 0) return;
  await client.query(`revoke ${quoteIdentifier(tenantRole)} from ${quoteIdentifier(versionRole)}`);
}

async function hasGrantOptions(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  return (rows[0]?.version ?? 0) >= 160_000;
}
