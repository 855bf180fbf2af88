import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";

/** Where a tenant's data for a module is, and who owns it. */
export interface TenantPlace {
  readonly schema: string;
  readonly role: string;
}

/**
 * Makes a schema and the role that owns it; what is there already is left alone. The role can't log in, and nobody but
 * its members reaches the schema.
 */
export async function provisionTenantSchema(client: ClientBase, { schema, role }: TenantPlace): Promise<void> {
  await createTenantRole(client, role);
  await client.query(`create schema if not exists ${quoteIdentifier(schema)} authorization ${quoteIdentifier(role)}`);
  await client.query(`revoke all on schema ${quoteIdentifier(schema)} from public`);
}

/** Removes both, with all data. */
export async function dropTenantSchema(client: ClientBase, { schema, role }: TenantPlace): Promise<void> {
  await client.query(`drop schema if exists ${quoteIdentifier(schema)} cascade`);
  const { rowCount } = await client.query("select from pg_roles where rolname = $1", [role]);
  if (rowCount === 0) return;
  // Rights on anything else in this database, such as rollback points that were not dropped.
  await client.query(`drop owned by ${quoteIdentifier(role)} cascade`);
  await client.query(`drop role ${quoteIdentifier(role)}`);
}

/** Makes a role that owns data and can't log in, and lets the session's role act for it. */
export async function createTenantRole(client: ClientBase, role: string): Promise<void> {
  const { rowCount } = await client.query("select from pg_roles where rolname = $1", [role]);
  if (rowCount === 0) await client.query(`create role ${quoteIdentifier(role)} nologin noinherit`);
  await joinRole(client, role);
}

/**
 * Makes the session's role a member that inherits and may switch to the other one. Since PostgreSQL 16 creating a role
 * gives its creator only the right to hand it out.
 */
async function joinRole(client: ClientBase, role: string): Promise<void> {
  const { rows } = await client.query<{ version: number; ready: boolean; superuser: boolean }>(
    `select current_setting('server_version_num')::int as version,
            pg_has_role(current_user, $1, 'USAGE') as ready,
            (select rolsuper from pg_roles where rolname = current_user) as superuser`,
    [role],
  );
  const [facts] = rows;
  if (facts === undefined || facts.superuser) return;
  const name = quoteIdentifier(role);
  if (facts.version >= 160_000) await client.query(`grant ${name} to current_user with inherit true, set true`);
  else if (!facts.ready) await client.query(`grant ${name} to current_user`);
}
