import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { fingerprintSchema, type SchemaFingerprint } from "../../fingerprint/fingerprint-schema.ts";
import { createTenantDatabase, type TenantDatabase } from "../../testing/tenant-database.ts";

/** A tenant's database, another one of the same platform (with the same roles), and a folder for backups. */
export interface TwoDatabases extends AsyncDisposable {
  readonly tenant: TenantDatabase;
  /** The platform's session on the other database. */
  readonly other: pg.Client;
  readonly folder: string;
  /** A session of a superuser on the tenant's database. */
  readonly superuser: pg.Client;
}

export async function createTwoDatabases(): Promise<TwoDatabases> {
  const tenant = await createTenantDatabase();
  const { database } = tenant;
  const folder = await mkdtemp(join(tmpdir(), "aibos-backup-"));
  const superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  await superuser.query(`create database ${database.name}_other owner ${database.name}`);
  const url = new URL(database.url);
  url.pathname += "_other";
  const other = new pg.Client({ connectionString: url.href });
  await other.connect();
  return {
    tenant,
    other,
    folder,
    superuser,
    async [Symbol.asyncDispose]() {
      await other.end();
      await superuser.query(`drop database ${database.name}_other with (force)`);
      await superuser.end();
      await tenant[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export async function fingerprintOf(client: pg.Client, schema: string): Promise<SchemaFingerprint> {
  await client.query("begin");
  const result = await fingerprintSchema(client, schema);
  await client.query("commit");
  return result;
}
