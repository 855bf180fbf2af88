import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSchemaCopy } from "../schema-copy/create-schema-copy.ts";
import { createTenantDatabase, type TenantDatabase } from "../testing/tenant-database.ts";
import { describeDifference } from "./describe-difference.ts";
import { fingerprintSchema } from "./fingerprint-schema.ts";
import { withoutForcedRowSecurity } from "./row-security.ts";

let tenant: TenantDatabase;

beforeEach(async () => {
  tenant = await createTenantDatabase();
  await tenant.given(
    `create table notes (id integer primary key, own boolean not null);
     insert into notes select n, n % 2 = 0 from generate_series(1, 10) as n;
     create policy own_notes on notes using (own);
     alter table notes enable row level security;
     alter table notes force row level security`,
  );
});
afterEach(() => tenant[Symbol.asyncDispose]());

function fingerprint(schema = tenant.place.schema) {
  return tenant.inTransaction(() => fingerprintSchema(tenant.client, schema));
}

async function rowsSeenByOwner(schema: string): Promise<number> {
  return tenant.inTransaction(async () => {
    await tenant.client.query(`set local role ${tenant.place.role}`);
    const { rows } = await tenant.client.query<{ n: number }>(`select count(*)::int as n from ${schema}.notes`);
    return rows[0]?.n ?? 0;
  });
}

describe("a table that hides rows from its own owner", () => {
  it("goes into a copy with all its rows, and hides them there too", async () => {
    expect(await rowsSeenByOwner(tenant.place.schema)).toBe(5);
    const { rows } = await tenant.inTransaction(() =>
      createSchemaCopy(tenant.client, { from: tenant.place.schema, to: "rp__1" }),
    );
    expect(rows).toBe(10);
    const [before, copy] = [await fingerprint(), await fingerprint("rp__1")];
    expect(describeDifference(before, copy)).toEqual([]);
    expect(copy.data).toBe(before.data);
    expect([await rowsSeenByOwner("rp__1"), await rowsSeenByOwner(tenant.place.schema)]).toEqual([5, 5]);
  });

  it("shows a change of a hidden row in its fingerprint", async () => {
    const before = await fingerprint();
    expect(before.tables).toMatchObject([{ name: "notes", rows: 10 }]);
    await tenant.given(
      `alter table notes no force row level security; delete from notes where id = 1;
       alter table notes force row level security`,
    );
    expect(describeDifference(before, await fingerprint())).toEqual(["rows of notes: 10 before, 9 after"]);
  });

  it("is opened for nobody else meanwhile, and closed again when the work fails", async () => {
    const failed = tenant.inTransaction(() =>
      withoutForcedRowSecurity(tenant.client, tenant.place.schema, () => Promise.reject(new Error("planned"))),
    );
    await expect(failed).rejects.toThrow("planned");
    expect(await rowsSeenByOwner(tenant.place.schema)).toBe(5);
  });
});
