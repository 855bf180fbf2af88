import { afterAll, beforeAll, expect, test } from "vitest";
import type { Leftover } from "@aibos/contract";
import { seedTenantModule, seedVersion } from "../../testing/test-catalog.ts";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { createCleanupApi } from "./cleanup-api.ts";

const NOW = Date.parse("2027-06-01T12:00:00Z");
const ENDED = { lifecycle: { endOfLife: "2027-05-31" } };

let control: TestControl;
beforeAll(async () => {
  control = await createTestControl();
});
afterAll(() => control[Symbol.asyncDispose]());

const sql = (text: string) => control.database.pool.query(text);
const cleanUp = (dryRun = false) =>
  createCleanupApi({ database: control.database, now: () => NOW }).cleanup({
    params: {},
    query: {},
    body: { dryRun },
  });
const short = ({ kind, name, outcome }: Leftover) => [kind, name, outcome];

/** A copy with some rows, and the rollback point that it is, or was, of. */
async function copy(module: string, name: string, state: string, version = "2.0.0"): Promise<void> {
  await sql(`create schema ${name}`);
  await sql(`create table ${name}.notes as select n from generate_series(1, 1000) n`);
  await sql(
    `insert into rollback_points (id, tenant, module, version, data_version, reason, state, schema_name, tables, rows,
       bytes, structure_fingerprint, data_fingerprint, write_baseline)
     values ('${name}', 'acme', '${module}', '${version}', '${version}', 'test', '${state}', '${name}', 1, 1000, 1, '', '', '{}')`,
  );
}

async function unfinished(module: string, id: string): Promise<void> {
  await sql(
    `insert into migration_records (id, tenant, module, kind, status, request) values ('${id}', 'acme', '${module}', 'migrate', 'paused', '{}')`,
  );
}

test("what nobody needs is listed with its reason and size, removed, and then is not there", async () => {
  await seedVersion(control.database, "notes", "1.0.0", ENDED);
  await seedTenantModule(control.database, { tenant: "acme", module: "notes", weights: { "2.0.0": 10_000 } });
  await sql("create schema t_acme__notes");
  await sql('create schema "t_acme__notes@1.0.0"');
  await copy("notes", "rp_dropped", "dropped");
  await copy("notes", "rp_used", "available");
  await sql("create schema rp_of_somebody_else");

  const shown = await cleanUp(true);
  const expected = [
    ["rollback-copy", "rp_dropped"],
    ["version-views", "t_acme__notes@1.0.0"],
    ["artifact", "notes@1.0.0"],
  ];
  expect(shown.leftovers.map(short)).toEqual(expected.map((one) => [...one, "found"]));
  expect(shown.leftovers[0]).toMatchObject({ tenant: "acme", module: "notes", why: "its rollback point was dropped" });
  expect(shown.bytes).toBeGreaterThan(30_000);

  const removed = await cleanUp();
  expect(removed.leftovers.map(short)).toEqual(expected.map((one) => [...one, "removed"]));
  expect(removed.bytes).toBe(shown.bytes);
  const left = await sql("select nspname from pg_namespace where nspname ~ '^(rp_|t_)' order by 1");
  expect(left.rows.map((row: { nspname: string }) => row.nspname)).toEqual([
    "rp_of_somebody_else",
    "rp_used",
    "t_acme__notes",
  ]);
  expect(await cleanUp()).toMatchObject({ leftovers: [], bytes: 0, more: false });
});

test("what a paused operation may need stays: its tenant's schemas, and its module's old releases", async () => {
  await seedVersion(control.database, "crm", "1.0.0", ENDED);
  await seedTenantModule(control.database, { tenant: "acme", module: "crm", weights: { "2.0.0": 10_000 } });
  await sql('create schema "t_acme__crm@1.0.0"');
  await copy("crm", "rp_crm", "restored");
  await unfinished("crm", "mig_paused");
  await sql("update tenant_modules set migration_id = 'mig_paused' where module = 'crm'");
  const report = await cleanUp();
  expect(report.leftovers).toMatchObject([{ name: "rp_crm", outcome: "kept", keptBecause: "mig_paused is running" }]);
  await sql("update tenant_modules set migration_id = null where module = 'crm'");
  await sql("update migration_records set status = 'cancelled', finished_at = now() where id = 'mig_paused'");
  expect((await cleanUp()).leftovers.map(short)).toHaveLength(3);
});

test("a release past its end of life stays while a tenant or a rollback point is on it or on an older one", async () => {
  for (const version of ["1.0.0", "1.1.0", "2.0.0"]) await seedVersion(control.database, "hr", version, ENDED);
  await seedTenantModule(control.database, { tenant: "acme", module: "hr", weights: { "3.0.0": 10_000 } });
  await copy("hr", "rp_hr", "available", "1.1.0");
  expect((await cleanUp(true)).leftovers.map(short)).toEqual([["artifact", "hr@1.0.0", "found"]]);
  await sql("update tenant_module_instances set version = '1.0.0' where module = 'hr'");
  expect((await cleanUp(true)).leftovers).toEqual([]);
});

test("a copy that somebody is reading stays for another time", async () => {
  await seedTenantModule(control.database, { tenant: "acme", module: "pim", weights: { "2.0.0": 10_000 } });
  await copy("pim", "rp_read", "dropped");
  const reader = await control.database.pool.connect();
  await reader.query("begin");
  await reader.query("select from rp_read.notes");
  try {
    expect((await cleanUp()).leftovers).toMatchObject([
      { name: "rp_read", outcome: "kept", keptBecause: "somebody is using it at the moment" },
    ]);
  } finally {
    await reader.query("rollback");
    reader.release();
  }
  expect((await cleanUp()).leftovers).toMatchObject([{ name: "rp_read", outcome: "removed" }]);
});
