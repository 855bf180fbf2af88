import { afterEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import {
  sampleFailure,
  sampleMigration,
  sampleRollbackPoint,
  sampleSuccess,
  sampleTenant,
} from "../testing/sample-answers.ts";

const AT = "2027-01-31T09:30:00.000Z";

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

/** Each list: the words, the address, an item, what the query must be, the table. */
const LISTS: [name: string, words: string[], address: string, item: unknown, query: unknown, table: RegExp][] = [
  [
    "module list",
    ["module", "list"],
    "GET /v1/modules",
    { id: "accounting", title: "Accounting", latestVersion: "2.0.0", versions: 3, tenants: 12 },
    {},
    /^module +title +latest +versions +tenants\naccounting +Accounting +2\.0\.0 +3 +12$/,
  ],
  [
    "version list",
    ["version", "list", "accounting", "--limit", "5"],
    "GET /v1/modules/accounting/versions",
    {
      module: "accounting",
      version: "1.5.0",
      title: "Accounting",
      digest: "ab",
      sizeBytes: 1,
      driver: "process",
      upgradesFrom: ">=1.0.0 <1.5.0",
      compatibleWith: null,
      migrations: [],
      deprecatedOn: null,
      endOfLife: "2027-12-31",
      replacement: null,
      migrationGuide: null,
      tenants: 4,
      publishedAt: AT,
    },
    { limit: "5" },
    /\n1\.5\.0 +>=1\.0\.0 <1\.5\.0 +– +process +4 +2027-01-31 09:30Z +2027-12-31$/,
  ],
  [
    "deployment list",
    ["deployment", "list"],
    "GET /v1/deployments",
    {
      module: "crm",
      version: "3.1.0",
      driver: "external",
      state: "unhealthy",
      url: null,
      pid: null,
      restarts: 0,
      lastError: "no\nanswer",
      tenants: 1,
    },
    {},
    /\ncrm +3\.1\.0 +unhealthy +– +– +0 +1 +no answer$/,
  ],
  [
    "migration list",
    ["migration", "list", "-t", "acme", "-m", "accounting", "--status", "failed", "--cursor", "c"],
    "GET /v1/migrations",
    sampleFailure({ status: "failed" }),
    { tenant: "acme", module: "accounting", status: "failed", cursor: "c" },
    /\nmig_8f3c2a1b9d04 +acme +accounting +migrate +1\.0\.0 → 1\.5\.0 +failed +2027-01-31 09:30Z$/,
  ],
  [
    "rollback-point list",
    ["rollback-point", "list", "-t", "acme"],
    "GET /v1/rollback-points",
    sampleRollbackPoint(),
    { tenant: "acme" },
    /\nrp_1 +acme +accounting +1\.0\.0 +available +1400 +1\.4 MiB +2027-01-31 09:30Z +before the import$/,
  ],
];

test.each(LISTS)("%s", async (_name, words, address, item, query, table) => {
  api = await startFakeApi({ [address]: { body: { items: [item], nextCursor: null } } });
  const ran = await runInProcess(api.url, words);
  expect([ran.code, ran.err]).toEqual([0, ""]);
  expect(ran.out.trimEnd()).toMatch(table);
  expect(api.calls[0]?.query).toEqual(query);
  const document = await runInProcess(api.url, [...words, "--json"]);
  expect(JSON.parse(document.out)).toEqual({ items: [item], nextCursor: null });
});

test("tenant show has the tenant and the versions of its modules", async () => {
  const instance = {
    id: "i",
    tenant: "acme",
    module: "accounting",
    version: "1.5.0",
    status: "active",
    traffic: 80,
    createdAt: AT,
  };
  const used = {
    tenant: "acme",
    module: "accounting",
    schema: "t_acme__accounting",
    dataVersion: "1.5.0",
    instances: [instance],
    traffic: { "1.5.0": 80 },
    operation: { id: "mig_1", kind: "migrate", step: "hop" },
  };
  api = await startFakeApi({
    "GET /v1/tenants/acme": { body: sampleTenant() },
    "GET /v1/tenants/acme/modules": { body: { items: [used], nextCursor: null } },
  });
  const { out } = await runInProcess(api.url, ["tenant", "show", "acme"]);
  expect(out).toMatch(/^Acme GmbH acme active\n.*\nLabels plan=gold\n\n/);
  expect(out).toMatch(/\naccounting +1\.5\.0 +active +80 % +t_acme__accounting +migrate mig_1\n$/);
  const document = JSON.parse((await runInProcess(api.url, ["tenant", "show", "acme", "--json"])).out);
  expect(document).toMatchObject({ id: "acme", modules: [{ module: "accounting" }] });
});

test("health without a tenant is the platform's", async () => {
  const gateway = { id: "gateway-1", url: "http://127.0.0.1:7480", revision: 8, live: true, seenAt: AT };
  const controlPlane = { id: "cp-1", live: false, startedAt: AT, seenAt: "2020-01-01T00:00:00Z" };
  const status = { program: "0.1.0", tenants: 3, running: 1, revision: 9 };
  api = await startFakeApi({
    "GET /v1/status": { body: { ...status, gateways: [gateway], controlPlanes: [controlPlane] } },
  });
  const { code, out } = await runInProcess(api.url, ["health"]);
  expect(code).toBe(0);
  expect(out).toContain("3 tenants, 1 operation under way, routes at revision 9");
  // What ended long ago is nobody's worry.
  expect(out).not.toContain("cp-1");
  expect(out).toMatch(/\ngateway +gateway-1 +live +http:\/\/127\.0\.0\.1:7480 +8 /);
});

test("migration-path shows every stop", async () => {
  const path = ["1.0.0", "1.5.0", "2.0.0"];
  api = await startFakeApi({ "GET /v1/modules/accounting/path": { body: { path } } });
  const words = ["migration-path", "-m", "accounting", "--from", "1.0.0", "--to", "2.0.0"];
  expect((await runInProcess(api.url, words)).out).toBe("1.0.0 → 1.5.0 → 2.0.0\n");
  expect(JSON.parse((await runInProcess(api.url, [...words, "--json"])).out)).toEqual({ path });
  expect(api.calls[0]?.query).toEqual({ from: "1.0.0", to: "2.0.0" });
});

test("register-url says where a version runs", async () => {
  const deployment = { module: "crm", version: "3.1.0", driver: "external", state: "healthy", url: "https://crm" };
  api = await startFakeApi({
    "PUT /v1/modules/crm/versions/3.1.0/external-url": {
      body: { ...deployment, pid: null, restarts: 0, lastError: null, tenants: 0 },
    },
  });
  const ran = await runInProcess(api.url, ["register-url", "-m", "crm", "-v", "3.1.0", "https://crm"]);
  expect(ran).toEqual({ code: 0, out: "✔ crm 3.1.0 runs at https://crm\n", err: "" });
  expect(api.calls[0]?.body).toEqual({ url: "https://crm" });
});

test("rollback-point restore waits for its end, and counts what was lost", async () => {
  const lost = { table: "invoices", inserted: 3, updated: 1, deleted: 0, exact: true };
  const ended = sampleSuccess({ kind: "restore", result: { lostWrites: [lost] } });
  api = await startFakeApi({
    "POST /v1/rollback-points/rp_1/restore": { status: 202, body: sampleMigration({ kind: "restore" }) },
    "GET /v1/migrations/mig_8f3c2a1b9d04": { body: ended },
  });
  const ran = await runInProcess(api.url, ["rollback-point", "restore", "rp_1", "--accept-data-loss"]);
  expect([ran.code, ran.err]).toEqual([0, ""]);
  expect(ran.out).toContain("acme: accounting was put back to 1.5.0");
  expect(ran.out).toContain("Writes that were lost, as was accepted: invoices 4.");
  expect(api.calls[0]?.body).toEqual({ acceptDataLoss: true });
});
