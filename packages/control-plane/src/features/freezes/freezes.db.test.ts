import { afterAll, beforeAll, expect, test } from "vitest";
import { parseModuleId, parseTenantId, parseVersion } from "@aibos/domain";
import type { OperationRequest } from "../../db/control-tables.ts";
import { seedTenantModule } from "../../testing/test-catalog.ts";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { loadInstallation } from "../installation/installation.ts";
import { createOperationStore, type OperationStore } from "../migrations/operation-store.ts";
import { freezeProblems } from "../migrations/plans/require-thawed.ts";
import { createModuleReadModel } from "../modules/module-read-model.ts";
import { createFreezeApi } from "./freeze-api.ts";

const START = Date.parse("2027-12-24T12:00:00Z");
const NOTES = parseModuleId("notes");
const HOLIDAYS = { from: "2027-12-20T18:00", to: "2028-01-03T06:00", timeZone: "Europe/Vienna", reason: "holidays" };
const THAWS = Date.parse("2028-01-03T05:00:00Z");

let control: TestControl;
let store: OperationStore;
let freezes: ReturnType<typeof createFreezeApi>;
let now = START;
let tenants = 0;

beforeAll(async () => {
  control = await createTestControl();
  const { database } = control;
  const clock = (): number => now;
  store = createOperationStore({
    database,
    modules: createModuleReadModel(database),
    installation: await loadInstallation(database),
    now: clock,
  });
  freezes = createFreezeApi({ database, now: clock });
});
afterAll(() => control[Symbol.asyncDispose]());

/** A tenant with two versions side by side, which only have to be completed. */
async function tenantWithTwo() {
  tenants += 1;
  now = START;
  const tenant = `t${tenants}`;
  await seedTenantModule(control.database, { tenant, module: "notes", weights: { "1.0.0": 0, "2.0.0": 10_000 } });
  return parseTenantId(tenant);
}
const complete = (more: Partial<Extract<OperationRequest, { kind: "complete" }>> = {}): OperationRequest => ({
  kind: "complete",
  version: parseVersion("2.0.0"),
  ...more,
});
const add = (body: Partial<Parameters<typeof freezes.addFreeze>[0]["body"]> = {}) =>
  freezes.addFreeze({ params: {}, query: {}, body: { ...HOLIDAYS, ...body } });
const remove = (freezeId: string) => freezes.removeFreeze({ params: { freezeId }, query: {}, body: undefined });
const list = (query: { tenant?: ReturnType<typeof parseTenantId>; all?: "true" | "false" } = {}) =>
  freezes.listFreezes({ params: {}, query: { limit: 100, all: "false", ...query }, body: undefined });

test("while its freeze is on a tenant is not moved, unless somebody says why it must be", async () => {
  const tenant = await tenantWithTwo();
  const { id } = await add({ tenant, module: NOTES });
  await expect(store.begin(tenant, NOTES, complete())).rejects.toMatchObject({
    code: "AIBOS_FROZEN",
    thaws: THAWS,
    message: expect.stringContaining(`until 2028-01-03T05:00:00.000Z (${id}): holidays`),
  });
  await store.begin(tenant, NOTES, complete({ overrideFreeze: "the law" }));
  const { rows } = await control.database.pool.query("select request from migration_records where tenant = $1", [
    tenant,
  ]);
  expect(rows).toMatchObject([{ request: { overrideFreeze: "the law" } }]);
});

test("a freeze of all tenants, or of all modules, counts for each; copies to go back to are let through", async () => {
  const tenant = await tenantWithTwo();
  for (const what of [{}, { module: NOTES }, { tenant }]) {
    const { id } = await add(what);
    await expect(store.begin(tenant, NOTES, complete())).rejects.toMatchObject({ code: "AIBOS_FROZEN" });
    await remove(id);
  }
  await add({ tenant });
  const point = { kind: "rollback-point", version: parseVersion("2.0.0"), reason: "to be safe" } as const;
  await expect(store.begin(tenant, NOTES, point)).resolves.toMatch(/^mig_/);
});

test("what is scheduled into a freeze waits for its end, and begins sooner when the freeze is removed", async () => {
  const tenant = await tenantWithTwo();
  const first = await add({ tenant });
  const later = await add({ tenant, from: "2028-01-03T06:00", to: "2028-01-04T06:00" });
  const scheduledTime = "2027-12-25T00:00:00Z";
  const id = await store.begin(tenant, NOTES, complete({ scheduledTime }));
  now = Date.parse(scheduledTime);
  expect(await store.claim(id)).toEqual({ kind: "frozen" });
  expect(await store.dueAt(id)).toBe(THAWS + 86_400_000);
  now = THAWS;
  expect(await store.claim(id)).toEqual({ kind: "frozen" });
  await remove(later.id);
  expect(await store.claim(id)).toMatchObject({ kind: "claimed" });
  await remove(first.id);
});

test("the freezes of a tenant's upgrade policy count for single operations, too", async () => {
  const tenant = await tenantWithTwo();
  const policy = {
    automatic: "major",
    window: null,
    deferUntil: null,
    freezes: [{ from: "2027-12-24T00:00:00Z", to: "2027-12-27T00:00:00Z", reason: "inventory" }],
    notices: null,
  };
  await control.database.pool.query("insert into upgrade_policies (tenant, module, policy) values ($1, 'notes', $2)", [
    tenant,
    JSON.stringify(policy),
  ]);
  await expect(store.begin(tenant, NOTES, complete())).rejects.toMatchObject({
    code: "AIBOS_FROZEN",
    message: expect.stringContaining("in the tenant's upgrade policy"),
  });
  now = Date.parse("2027-12-23T12:00:00Z");
  expect(await freezeProblems(control.database.db, { tenant, module: NOTES }, now)).toMatchObject([
    { severity: "warning", message: expect.stringContaining("Will be frozen") },
  ]);
  now = START;
  expect(await freezeProblems(control.database.db, { tenant, module: NOTES }, now)).toMatchObject([
    { severity: "error", wayOut: expect.stringContaining("2027-12-27T00:00:00.000Z") },
  ]);
  await expect(store.begin(tenant, NOTES, complete())).rejects.toMatchObject({ code: "AIBOS_FROZEN" });
});

test("the list tells what is on and to come, and on request what was", async () => {
  const tenant = await tenantWithTwo();
  const on = await add({ tenant });
  const coming = await add({ tenant, from: "2028-06-01T00:00", to: "2028-06-02T00:00" });
  const over = await add({ tenant, from: "2027-06-01T00:00", to: "2027-06-02T00:00" });
  expect((await list({ tenant })).items.map(({ id, state }) => [id, state])).toEqual([
    [on.id, "on"],
    [coming.id, "coming"],
  ]);
  expect(await remove(on.id)).toMatchObject({ state: "removed" });
  const all = (await list({ tenant, all: "true" })).items.filter((one) => one.tenant === tenant);
  expect(all.map(({ id, state }) => [id, state])).toEqual([
    [over.id, "over"],
    [on.id, "removed"],
    [coming.id, "coming"],
  ]);
  await expect(remove("frz_none")).rejects.toMatchObject({ code: "AIBOS_FREEZE_NOT_FOUND" });
});
