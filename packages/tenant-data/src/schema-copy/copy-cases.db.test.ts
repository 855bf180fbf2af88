import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeDifference } from "../fingerprint/describe-difference.ts";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { CONSTRAINT_CASES } from "../testing/copy-cases/constraint-cases.ts";
import type { CopyCase } from "../testing/copy-cases/copy-case.ts";
import { PROGRAM_CASES } from "../testing/copy-cases/program-cases.ts";
import { TABLE_CASES } from "../testing/copy-cases/table-cases.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { asRole } from "../with-settings.ts";
import { createSchemaCopy, dropSchemaCopy } from "./create-schema-copy.ts";
import { restoreSchemaCopy } from "./restore-schema-copy.ts";

let tenant: TenantDatabase;
let superuser: pg.Client;

beforeAll(async () => {
  tenant = await createTenantDatabase();
  superuser = new pg.Client({ connectionString: tenant.database.superuserUrl });
  await superuser.connect();
  await superuser.query(`grant create on schema public to ${tenant.place.role};
    grant create on database ${tenant.database.name} to ${tenant.place.role}`);
});
afterAll(async () => {
  await superuser.end();
  await tenant[Symbol.asyncDispose]();
});

/** Runs SQL as the tenant's role, in its schema, and commits. */
function asTenant(sql: string): Promise<void> {
  const { client, place } = tenant;
  return tenant.inTransaction(() =>
    asRole(client, place.role, async () => {
      await client.query(`set local search_path to ${place.schema}, public`);
      await client.query(sql);
    }),
  );
}

const fingerprint = () => tenant.inTransaction(() => fingerprintSchema(tenant.client, tenant.place.schema));

function copy() {
  return tenant.inTransaction(() => createSchemaCopy(tenant.client, { from: tenant.place.schema, to: "rp" }));
}

/** Empties the schema, makes a case's in it, and takes its fingerprint. */
async function made({ given }: CopyCase) {
  const { client, place } = tenant;
  await client.query(`drop schema if exists rp cascade; drop schema if exists ${place.schema} cascade;
    create schema ${place.schema} authorization ${place.role}`);
  await asTenant(given);
  if (/create index broken/.test(given)) {
    await superuser.query(
      `update pg_index set indisvalid = false where indexrelid = '${place.schema}.broken'::regclass`,
    );
  }
  return fingerprint();
}

const cases = [...TABLE_CASES, ...CONSTRAINT_CASES, ...PROGRAM_CASES];

describe("a copy that took the place of its original", () => {
  it.each(cases.filter((one) => one.unsupported === undefined))("is true and works: $name", async (one) => {
    const { client, place } = tenant;
    const before = await made(one);
    // Twice: what a copy gets wrong without a trace in itself shows in the copy's copy.
    for (const aside of ["aside_1", "aside_2"]) {
      await copy();
      await tenant.inTransaction(() => restoreSchemaCopy(client, { copy: "rp", schema: place.schema, aside }));
      await dropSchemaCopy(client, aside);
    }
    const after = await fingerprint();
    expect(describeDifference(before, after)).toEqual([]);
    expect([after.structure, after.data]).toEqual([before.structure, before.data]);
    await asTenant(one.works ?? "select 1");
    const refusal = await asTenant(one.refuses?.[0] ?? "select 1").catch(String);
    expect(refusal ?? "").toMatch(one.refuses?.[1] ?? /^$/);
  });

  it.each(cases.filter((one) => one.unsupported !== undefined))("is never made of $name", async (one) => {
    await made(one);
    await expect(copy()).rejects.toThrow(one.unsupported);
  });
});
