import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeDifference } from "../fingerprint/describe-difference.ts";
import { fingerprintSchema, type SchemaFingerprint } from "../fingerprint/fingerprint-schema.ts";
import { withTenantSession } from "../roles/tenant-session.ts";
import { createSchemaCopy, dropSchemaCopy } from "../schema-copy/create-schema-copy.ts";
import { restoreSchemaCopy } from "../schema-copy/restore-schema-copy.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { applySqlMigrations } from "./apply-sql-migrations.ts";
import { readAppliedMigrations } from "../migrations/applied-migrations.ts";
import { readMigrations } from "../migrations/read-migrations.ts";
import type { Migration } from "../migrations/migration.ts";

/** A history as projects have it: begun from a dump, then grown by what such projects do. */
const HISTORY = fileURLToPath(new URL("./testing/history/", import.meta.url));
const FILES_A_RELEASE = 14;
const COPY = "rp__acme__books";
const AHEAD = "rp__acme__books__ahead";

let tenant: TenantDatabase;

beforeEach(async () => {
  tenant = await createTenantDatabase();
});
afterEach(() => tenant[Symbol.asyncDispose]());

function fingerprint(): Promise<SchemaFingerprint> {
  return tenant.inTransaction(() => fingerprintSchema(tenant.client, tenant.place.schema));
}

async function apply(migrations: readonly Migration[]): Promise<readonly string[]> {
  const { client: platform, database, place } = tenant;
  const { notices } = await withTenantSession({ platform, url: database.url, place }, (session) =>
    applySqlMigrations(session, migrations),
  );
  return notices;
}

test("a long history of a project goes forward release by release, and back to the exact same by rollback point", async () => {
  const { client, place } = tenant;
  const history = await readMigrations(HISTORY);
  expect(history.length).toBeGreaterThanOrEqual(150);
  const notices: string[] = [];
  let before = await fingerprint();
  for (let end = FILES_A_RELEASE; end < history.length + FILES_A_RELEASE; end += FILES_A_RELEASE) {
    const release = history.slice(0, end);
    await tenant.inTransaction(() => createSchemaCopy(client, { from: place.schema, to: COPY }));
    notices.push(...(await apply(release)));
    await tenant.inTransaction(() => restoreSchemaCopy(client, { copy: COPY, schema: place.schema, aside: AHEAD }));
    const back = await fingerprint();
    expect([end, ...describeDifference(before, back)]).toEqual([end]);
    expect([back.structure, back.data]).toEqual([before.structure, before.data]);
    // Forward again: by its files, on what was restored, or by the data that was swapped out.
    if (end % (3 * FILES_A_RELEASE) === 0) {
      await tenant.inTransaction(() => dropSchemaCopy(client, AHEAD));
      await apply(release);
    } else {
      await tenant.inTransaction(() => restoreSchemaCopy(client, { copy: AHEAD, schema: place.schema }));
    }
    before = await fingerprint();
  }
  expect((await readAppliedMigrations(client, place.schema)).length).toBe(history.length);
  expect(before.tables.length).toBeGreaterThan(40);
  expect(before.tables.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(300);
  const reasons = notices.map((notice) => notice.replace(/^.*left out, because /, ""));
  expect([...new Set(reasons)].sort()).toEqual([
    "databases are the operator's",
    "extensions are shared by all tenants of the database",
    "files are UTF-8",
    "roles and their rights are the platform's",
    "the search path is the tenant's schema",
    "the tenant's schema stands for public",
    "what it describes is not the tenant's alone",
  ]);
}, 300_000);
