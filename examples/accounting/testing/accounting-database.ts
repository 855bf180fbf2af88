import { createTestDatabase } from "@aibos/local-postgres/testing";
import {
  applyMigrations,
  createVersionRole,
  grantTenant,
  type LiveSchema,
  openTenantLiveSchema,
  provisionTenantSchema,
  readMigrations,
  type Release,
  releaseFiles,
  revokeTenant,
  undoSqlMigrations,
  viewSchemaName,
  withTenantSession,
} from "@aibos/tenant-data";
import {
  parseInstallationId,
  parseModuleId,
  parseTenantId,
  parseVersion,
  tenantRoleName,
  tenantSchemaName,
  versionRoleName,
} from "@aibos/domain";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { ModuleClient } from "./module-client.ts";

/** Releases of the module, in the folders beside this one. */
export type AccountingVersion = "1.0.0" | "1.5.0" | "2.0.0";

const MODULE = parseModuleId("accounting");

/** A database with tenants of the accounting module, as the platform would set it up. */
export interface AccountingDatabase extends AsyncDisposable {
  /** The database's owner. */
  readonly owner: Client;
  schemaOf(tenant: string): string;
  /** Brings a tenant's tables to a version, making the tenant where it is new. */
  migrate(tenant: string, version: AccountingVersion): Promise<void>;
  /** Takes back the migrations above a number. `version` is the release whose files are used. */
  undo(tenant: string, version: AccountingVersion, downTo: number): Promise<void>;
  /** Works on a tenant's data with several versions live. */
  live<T>(tenant: string, work: (live: LiveSchema) => Promise<T>): Promise<T>;
  /** What a version's files add to those of the version before, for a live schema. */
  releaseOf(version: AccountingVersion, before: AccountingVersion): Promise<Release>;
  /** What a version's process is started with. */
  environmentOf(version: AccountingVersion): Promise<Record<string, string>>;
  /** Lets a version reach a tenant's data, or shuts it out. */
  allow(tenant: string, version: AccountingVersion, allowed: boolean): Promise<void>;
  /** Sends requests to a version as one tenant. */
  client(
    tenant: string,
    version: AccountingVersion,
    fetch: (request: Request) => Response | Promise<Response>,
  ): ModuleClient;
}

export async function createAccountingDatabase(): Promise<AccountingDatabase> {
  const database = await createTestDatabase();
  const installation = parseInstallationId(randomBytes(4).toString("hex"));
  const contextKey = randomBytes(16).toString("hex");
  const owner = new Client({ connectionString: database.url });
  await owner.connect();

  const placeOf = (tenant: string): { schema: string; role: string } => ({
    schema: tenantSchemaName(parseTenantId(tenant), MODULE),
    role: tenantRoleName(installation, parseTenantId(tenant), MODULE),
  });
  const versionRole = (version: AccountingVersion): string =>
    versionRoleName(installation, MODULE, parseVersion(version));
  const migrationsOf = (version: AccountingVersion): ReturnType<typeof readMigrations> =>
    readMigrations(fileURLToPath(new URL(`../${version}/migrations`, import.meta.url)));

  return {
    owner,
    schemaOf: (tenant) => placeOf(tenant).schema,
    async migrate(tenant, version) {
      const migrations = await migrationsOf(version);
      const place = placeOf(tenant);
      await provisionTenantSchema(owner, place);
      await withTenantSession({ platform: owner, url: database.url, place }, (session) =>
        applyMigrations(session, migrations),
      );
    },
    async undo(tenant, version, downTo) {
      const migrations = await migrationsOf(version);
      await withTenantSession({ platform: owner, url: database.url, place: placeOf(tenant) }, (session) =>
        undoSqlMigrations(session, migrations, downTo),
      );
    },
    live: (tenant, work) =>
      withTenantSession({ platform: owner, url: database.url, place: placeOf(tenant) }, (session) =>
        work(openTenantLiveSchema(session)),
      ),
    async releaseOf(version, before) {
      const added = (await migrationsOf(version)).slice((await migrationsOf(before)).length);
      return { version, files: releaseFiles(added.filter((migration) => migration.kind === "operations")) };
    },
    async environmentOf(version) {
      const password = randomBytes(12).toString("hex");
      await createVersionRole(owner, { role: versionRole(version), password });
      const url = new URL(database.url);
      url.username = versionRole(version);
      url.password = password;
      return {
        PORT: "0",
        AIBOS_DATABASE_URL: url.href,
        AIBOS_CONTEXT_KEY: contextKey,
        AIBOS_MODULE: MODULE,
        AIBOS_VERSION: version,
      };
    },
    async allow(tenant, version, allowed) {
      const roles = { tenantRole: placeOf(tenant).role, versionRole: versionRole(version) };
      await (allowed ? grantTenant(owner, roles) : revokeTenant(owner, roles));
    },
    client: (tenant, version, fetch) =>
      new ModuleClient({
        context: {
          tenant,
          module: MODULE,
          version,
          ...placeOf(tenant),
          views: viewSchemaName(placeOf(tenant).schema, version),
          dataVersion: version,
        },
        contextKey,
        fetch,
      }),
    async [Symbol.asyncDispose]() {
      await owner.end();
      await database.drop();
    },
  };
}
