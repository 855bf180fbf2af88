import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createModuleKit, type ModuleKit } from "@aibos/module-kit";
import { createAccounting as createAccounting1 } from "./1.0.0/src/accounting.ts";
import { createAccounting as createAccounting15 } from "./1.5.0/src/accounting.ts";
import { createAccounting as createAccounting2 } from "./2.0.0/src/accounting.ts";
import {
  type AccountingDatabase,
  type AccountingVersion,
  createAccountingDatabase,
} from "./testing/accounting-database.ts";
import type { ModuleClient } from "./testing/module-client.ts";

const SERVICES = { "1.0.0": createAccounting1, "1.5.0": createAccounting15, "2.0.0": createAccounting2 };
const VERSIONS = ["1.0.0", "1.5.0", "2.0.0"] as const;

let database: AccountingDatabase;
const kits = new Map<AccountingVersion, ModuleKit>();
let tenants = 0;
let tenant = "";
/** The tenant's accounting at each version. */
let old: ModuleClient;
let mid: ModuleClient;
let current: ModuleClient;

beforeAll(async () => {
  database = await createAccountingDatabase();
  for (const version of VERSIONS) {
    kits.set(version, createModuleKit({ environment: await database.environmentOf(version) }));
  }
});
afterAll(async () => {
  for (const kit of kits.values()) await kit.close();
  await database[Symbol.asyncDispose]();
});

/** Each test has a tenant of its own, at 1.0.0, with a paid, an open and a draft invoice. */
beforeEach(async () => {
  tenants += 1;
  tenant = `tenant-${tenants}`;
  await database.migrate(tenant, "1.0.0");
  for (const version of VERSIONS) await database.allow(tenant, version, true);
  old = clientAt("1.0.0");
  mid = clientAt("1.5.0");
  current = clientAt("2.0.0");
  await old.post("/customers", { name: "Ada King Lovelace", email: "ada@example.com" });
  await old.post("/customers", { name: "Plato", email: "plato@example.com" });
  for (const quantity of [1, 2, 3]) await old.post("/invoices", invoice(quantity));
  await old.post("/invoices/1/post");
  await old.post("/invoices/1/payments", { amount: "19.90", paid_on: "2026-06-02" });
  await old.post("/invoices/2/post");
  await old.post("/invoices/2/payments", { amount: "10.00", paid_on: "2026-06-02" });
});

function kitOf(version: AccountingVersion): ModuleKit {
  const kit = kits.get(version);
  if (kit === undefined) throw new Error(`No kit for ${version}.`);
  return kit;
}

function clientAt(version: AccountingVersion): ModuleClient {
  return database.client(tenant, version, SERVICES[version](kitOf(version)).fetch);
}

function invoice(quantity: number, unitPrice = "19.90"): object {
  const lines = [{ description: "Design", quantity, unit_price: unitPrice }];
  return { customer_id: 1, issued_on: "2026-05-31", lines };
}

async function statuses(client: ModuleClient): Promise<unknown> {
  const { body } = await client.get("/invoices");
  return (body["invoices"] as { status: string }[]).map(({ status }) => status);
}

describe("from 1.0.0 to 1.5.0", () => {
  test("invoices get a currency, and the status that their payments give them", async () => {
    const before = (await old.get("/summary")).body;
    await database.migrate(tenant, "1.5.0");
    expect(await statuses(mid)).toEqual(["paid", "posted", "draft"]);
    expect((await mid.get("/invoices/2")).body["invoice"]).toMatchObject({ currency: "EUR", open: "29.8" });
    expect((await mid.get("/summary")).body).toEqual({ ...before, version: "1.5.0", currency: "EUR" });
    expect((await mid.get("/healthz/tenant")).body).toEqual({ status: "ok", version: "1.5.0" });
  });

  test("1.0.0 goes on writing to the new tables, and 1.5.0 sees the status that follows", async () => {
    await database.migrate(tenant, "1.5.0");
    expect((await old.post("/customers", { name: "Hypatia", email: "h@example.com" })).status).toBe(201);
    expect((await old.post("/invoices", invoice(1))).status).toBe(201);
    expect((await old.post("/invoices/3/post")).status).toBe(200);
    expect((await old.post("/invoices/2/payments", { amount: "29.80", paid_on: "2026-06-03" })).status).toBe(201);
    expect(await statuses(mid)).toEqual(["paid", "paid", "posted", "draft"]);
    expect((await old.get("/healthz/tenant")).status).toBe(200);
    expect((await mid.get("/healthz/tenant")).status).toBe(200);
  });

  test("an invoice that 1.5.0 made void is a draft to 1.0.0, and posting it there revives it", async () => {
    await database.migrate(tenant, "1.5.0");
    expect((await mid.post("/invoices/3/void")).body["invoice"]).toMatchObject({ status: "void" });
    expect((await mid.post("/invoices/3/post")).body["code"]).toBe("INVOICE_VOID");
    expect((await old.post("/invoices/3/post")).status).toBe(200);
    expect(await statuses(mid)).toEqual(["paid", "posted", "posted"]);
  });
});

describe("1.5.0", () => {
  test("drafts can be corrected and made void, posted invoices can't", async () => {
    await database.migrate(tenant, "1.5.0");
    const corrected = await mid.patch("/invoices/3/lines/3", { unit_price: "5.00" });
    expect(corrected.body["invoice"]).toMatchObject({ total: "15" });
    expect((await mid.patch("/invoices/3/lines/1", { unit_price: "5" })).body["code"]).toBe("LINE_NOT_FOUND");
    expect((await mid.patch("/invoices/1/lines/1", { unit_price: "5" })).body["code"]).toBe("INVOICE_POSTED");
    expect((await mid.post("/invoices/2/void")).body["code"]).toBe("INVOICE_POSTED");
  });

  test("amounts are summed by currency", async () => {
    await database.migrate(tenant, "1.5.0");
    await mid.post("/invoices", { ...invoice(1), currency: "SEK" });
    await mid.post("/invoices/4/post");
    expect((await mid.get("/summary?currency=SEK")).body).toMatchObject({ invoices: 4, billed: "19.9", paid: "0" });
    expect((await mid.get("/summary")).body).toMatchObject({ currency: "EUR", billed: "59.7", paid: "29.9" });
    expect((await mid.get("/invoices?currency=SEK")).body["invoices"]).toHaveLength(1);
    expect((await mid.get("/invoices?status=paid")).body["invoices"]).toHaveLength(1);
    expect((await mid.post("/invoices", { ...invoice(1), currency: "euro" })).status).toBe(400);
  });
});

describe("from 1.5.0 to 2.0.0", () => {
  test("names come in two parts and amounts in minor units, with the same totals", async () => {
    await database.migrate(tenant, "1.5.0");
    await database.migrate(tenant, "2.0.0");
    expect((await current.get("/customers")).body["customers"]).toEqual([
      { id: 1, given_name: "Ada King", family_name: "Lovelace", email: "ada@example.com", vat_id: null },
      { id: 2, given_name: "", family_name: "Plato", email: "plato@example.com", vat_id: null },
    ]);
    expect((await current.get("/summary")).body).toMatchObject({ billed_minor: 5_970, paid_minor: 2_990 });
    expect((await current.get("/healthz/tenant")).status).toBe(200);

    expect((await current.post("/invoices/2/payments", { amount_minor: 2_980, paid_on: "2026-06-03" })).status).toBe(
      201,
    );
    expect(await statuses(current)).toEqual(["paid", "paid", "draft"]);
    const lines = [{ description: "Design", quantity: 2, unit_price_minor: 995 }];
    const made = await current.post("/invoices", { customer_id: 2, issued_on: "2026-06-04", lines });
    expect(made.body["invoice"]).toMatchObject({ id: 4, total_minor: 1_990, open_minor: 1_990, status: "draft" });
    expect((await current.patch("/invoices/4/lines/4", { unit_price_minor: 1_000 })).status).toBe(200);
    expect((await current.get("/invoices/4")).body["invoice"]).toMatchObject({
      lines: [{ id: 4, unit_price_minor: 1_000 }],
      payments: [],
    });
    expect((await current.post("/invoices", invoice(1))).status).toBe(400);
    const named = { given_name: "Emmy", family_name: "Noether", email: "emmy@example.com" };
    expect((await current.post("/customers", named)).body["customer"]).toEqual({ id: 3, ...named, vat_id: null });
  });

  test("an amount that is no whole number of cents is refused, naming its row, and corrected in 1.5.0", async () => {
    await old.post("/invoices", invoice(200, "10.005"));
    await database.migrate(tenant, "1.5.0");
    const before = await structure();
    const refused = await bringUp().catch((error: unknown) => error);
    expect(String(refused)).toContain("10.005 is no whole number of minor units");
    expect(String(refused)).toContain('"invoice_lines"');
    expect(String(refused)).toContain('row {"id": 4}');
    await database.live(tenant, (live) => live.rollback("2.0.0"));
    expect(await structure()).toEqual(before);
    await mid.patch("/invoices/4/lines/4", { unit_price: "10.01" });
    await bringUp();
    expect((await current.get("/invoices/4")).body["invoice"]).toMatchObject({ total_minor: 200_200 });
  });

  test("a payment that is no whole number of cents is refused", async () => {
    await old.post("/invoices/2/payments", { amount: "0.005", paid_on: "2026-06-03" });
    await database.migrate(tenant, "1.5.0");
    await expect(bringUp()).rejects.toThrow("0.005 is no whole number of minor units");
  });
});

describe("1.5.0 and 2.0.0 on the same books", () => {
  test("each sees at once what the other writes, in its own shape", async () => {
    await database.migrate(tenant, "1.5.0");
    await bringUp();
    const named = { given_name: "Emmy", family_name: "Noether", email: "emmy@example.com" };
    await current.post("/customers", named);
    await mid.post("/customers", { name: "Grace Brewster Hopper", email: "grace@example.com" });
    expect((await mid.get("/customers")).body["customers"]).toMatchObject([
      { name: "Ada King Lovelace" },
      { name: "Plato" },
      { name: "Emmy Noether" },
      { name: "Grace Brewster Hopper" },
    ]);
    expect((await current.get("/customers")).body["customers"]).toMatchObject([
      { given_name: "Ada King", family_name: "Lovelace" },
      { given_name: "", family_name: "Plato" },
      named,
      { given_name: "Grace Brewster", family_name: "Hopper" },
    ]);
    const lines = [{ description: "Design", quantity: 2, unit_price_minor: 995 }];
    await current.post("/invoices", { customer_id: 3, issued_on: "2026-06-04", lines });
    expect((await mid.get("/invoices/4")).body["invoice"]).toMatchObject({ total: "19.9" });
    expect((await mid.post("/invoices/4/post")).status).toBe(200);
    // Half of it is paid through each version: the invoice is paid when both know.
    await current.post("/invoices/4/payments", { amount_minor: 1_000, paid_on: "2026-06-05" });
    await mid.post("/invoices/4/payments", { amount: "9.90", paid_on: "2026-06-05" });
    expect((await current.get("/invoices/4")).body["invoice"]).toMatchObject({ status: "paid", open_minor: 0 });
    expect((await mid.get("/invoices/4")).body["invoice"]).toMatchObject({ status: "paid", open: "0" });
    expect((await mid.get("/summary")).body).toMatchObject({ billed: "79.6", paid: "49.8" });
    expect((await current.get("/summary")).body).toMatchObject({ billed_minor: 7_960, paid_minor: 4_980 });
    for (const client of [mid, current]) expect((await client.get("/healthz/tenant")).status).toBe(200);
  });

  test("a rollback of 2.0.0 keeps what was written through it, and leaves nothing of it behind", async () => {
    await database.migrate(tenant, "1.5.0");
    const before = await structure();
    await bringUp();
    await current.post("/customers", { given_name: "Emmy", family_name: "Noether", email: "emmy@example.com" });
    await current.post("/invoices/2/payments", { amount_minor: 2_980, paid_on: "2026-06-03" });
    const discarded = await database.live(tenant, (live) => live.rollback("2.0.0"));
    expect(discarded).toEqual([]);
    expect(await structure()).toEqual(before);
    expect((await mid.get("/customers")).body["customers"]).toMatchObject([{}, {}, { name: "Emmy Noether" }]);
    expect(await statuses(mid)).toEqual(["paid", "paid", "draft"]);
    expect((await mid.post("/invoices/3/post")).status).toBe(200);
  });

  test("when 2.0.0 is completed, its tables are those that a new tenant gets", async () => {
    await database.migrate(tenant, "1.5.0");
    await bringUp();
    await mid.post("/invoices/2/payments", { amount: "29.80", paid_on: "2026-06-03" });
    await database.live(tenant, (live) => live.complete("2.0.0"));
    expect(await statuses(current)).toEqual(["paid", "paid", "draft"]);
    const upgraded = await structure();
    tenant = `${tenant}-new`;
    await database.migrate(tenant, "2.0.0");
    expect(upgraded).toEqual(await structure());
  });
});

/** Starts 2.0.0 beside 1.5.0. */
async function bringUp(): Promise<void> {
  const release = await database.releaseOf("2.0.0", "1.5.0");
  await database.live(tenant, async (live) => {
    await live.start("1.5.0", release);
    for await (const { table } of live.backfill("2.0.0")) void table;
  });
}

/** Columns, constraints, indexes and triggers; a column that was dropped and comes back is at another place. */
async function structure(): Promise<unknown> {
  const { rows } = await database.owner.query<{ line: string }>(
    `select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable as line
       from information_schema.columns where table_schema = $1
     union all select conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
       from pg_constraint where connamespace = $1::regnamespace
     union all select indexdef from pg_indexes where schemaname = $1
     union all select event_object_table || ' ' || trigger_name from information_schema.triggers where trigger_schema = $1
     order by line`,
    [database.schemaOf(tenant)],
  );
  return rows.map(({ line }) => line.replaceAll(`${database.schemaOf(tenant)}.`, ""));
}

test("2.0.0 is not healthy for a tenant whose books contradict themselves", async () => {
  await database.migrate(tenant, "2.0.0");
  await database.owner.query(`update ${database.schemaOf(tenant)}.invoices set status = 'paid' where id = 2`);
  const answer = await current.get("/healthz/tenant");
  expect(answer).toMatchObject({ status: 503, body: { issues: ["1 invoices are paid, but not in full."] } });
});

test("the down files take 1.5.0 back, and the data goes up again", async () => {
  const before = (await old.get("/summary")).body;
  const first = await structure();
  await database.migrate(tenant, "1.5.0");
  const whole = (await mid.get("/summary")).body;
  const migrated = await structure();
  await database.undo(tenant, "1.5.0", 3);
  expect(await structure()).toEqual(first);
  expect((await old.get("/summary")).body).toEqual(before);
  expect((await old.post("/invoices/3/post")).status).toBe(200);
  await database.migrate(tenant, "1.5.0");
  expect((await mid.get("/summary")).body).toEqual({ ...whole, posted: 3, billed: "119.4", open: "89.5" });
  expect(await structure()).toEqual(migrated);
  await database.undo(tenant, "1.5.0", 0);
  const { rows } = await database.owner.query<{ relname: string }>(
    "select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'r'",
    [database.schemaOf(tenant)],
  );
  expect(rows).toEqual([{ relname: "aibos_migrations" }]);
});
