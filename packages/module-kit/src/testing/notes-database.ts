import { randomBytes } from "node:crypto";
import { escapeIdentifier, Client } from "pg";
import { signTenantContext, type TenantContext } from "@aibos/contract";

/** A database with the tenants `acme` and `globex`, each with a table `notes`, and a version that may reach both. */
export interface NotesDatabase extends AsyncDisposable {
  readonly environment: Record<string, string>;
  /** The database's owner. */
  readonly owner: Client;
  /** The context header of a tenant, as the gateway would sign it. */
  sign(tenant: Tenant, changes?: Partial<TenantContext>): string;
  grant(tenant: Tenant): Promise<void>;
  revoke(tenant: Tenant): Promise<void>;
}

type Tenant = "acme" | "globex";

/** Fills an empty database; dropping it stays part of the whole. */
export async function createNotesDatabase(database: { url: string; drop(): Promise<void> }): Promise<NotesDatabase> {
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  const unique = randomBytes(4).toString("hex");
  const contextKey = randomBytes(16).toString("hex");
  // A name that must be quoted, as `role` and `schema` are never to be trusted.
  const roleOf = (tenant: Tenant): string => `kit "${tenant}" ${unique}`;
  const schemaOf = (tenant: Tenant): string => `t "${tenant}"`;
  const login = `kit_login_${unique}`;
  const password = randomBytes(12).toString("hex");
  await owner.query(`create role ${login} login noinherit password '${password}'`);

  const grant = (tenant: Tenant): Promise<unknown> =>
    owner.query(`grant ${escapeIdentifier(roleOf(tenant))} to ${login} with inherit false, set true`);
  for (const tenant of ["acme", "globex"] as const) {
    const [role, schema] = [escapeIdentifier(roleOf(tenant)), escapeIdentifier(schemaOf(tenant))];
    await owner.query(`create role ${role}`);
    await owner.query(`grant ${role} to current_user with inherit true, set true`);
    await owner.query(`create schema ${schema} authorization ${role}`);
    await owner.query(`create table ${schema}.notes (id bigint generated always as identity, body text not null)`);
    await owner.query(`alter table ${schema}.notes owner to ${role}`);
    await owner.query(`insert into ${schema}.notes (body) values ('of ${tenant}')`);
    await grant(tenant);
  }

  const url = new URL(database.url);
  url.username = login;
  url.password = password;
  return {
    owner,
    environment: {
      PORT: "0",
      AIBOS_DATABASE_URL: url.href,
      AIBOS_CONTEXT_KEY: contextKey,
      AIBOS_MODULE: "notes",
      AIBOS_VERSION: "1.0.0",
    },
    sign: (tenant, changes = {}) =>
      signTenantContext(
        {
          tenant,
          module: "notes",
          version: "1.0.0",
          schema: schemaOf(tenant),
          views: `${schemaOf(tenant)}@1.0.0`,
          dataVersion: "1.0.0",
          role: roleOf(tenant),
          expires: Math.floor(Date.now() / 1_000) + 60,
          ...changes,
        },
        contextKey,
      ),
    async grant(tenant) {
      await grant(tenant);
    },
    async revoke(tenant) {
      await owner.query(`revoke ${escapeIdentifier(roleOf(tenant))} from ${login}`);
    },
    async [Symbol.asyncDispose]() {
      await owner.end();
      await database.drop();
    },
  };
}
