import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createModuleKit, type ModuleKit } from "@aibos/module-kit";
import { type AccountingDatabase, createAccountingDatabase } from "../../testing/accounting-database.ts";
import type { ModuleClient } from "../../testing/module-client.ts";
import { createAccounting } from "./accounting.ts";

let database: AccountingDatabase;
let kit: ModuleKit;
let acme: ModuleClient;
let globex: ModuleClient;

beforeAll(async () => {
  database = await createAccountingDatabase();
  kit = createModuleKit({ environment: await database.environmentOf("1.0.0") });
  for (const tenant of ["acme", "globex"]) {
    await database.migrate(tenant, "1.0.0");
    await database.allow(tenant, "1.0.0", true);
  }
  const app = createAccounting(kit);
  acme = database.client("acme", "1.0.0", app.fetch);
  globex = database.client("globex", "1.0.0", app.fetch);
});
afterAll(async () => {
  await kit.close();
  await database[Symbol.asyncDispose]();
});

const ada = { name: "Ada Lovelace", email: "ada@acme.example" };
const lines = [
  { description: "Design", quantity: 3, unit_price: 19.9 },
  { description: "Copies", quantity: 1, unit_price: "10.005" },
];

describe("accounting 1.0.0", () => {
  test("an invoice is written, posted and paid, with totals that are exact", async () => {
    expect(await acme.post("/customers", ada)).toMatchObject({
      status: 201,
      body: { version: "1.0.0", customer: { id: 1, ...ada } },
    });
    const draft = { customer_id: 1, issued_on: "2026-05-31", lines };
    expect((await acme.post("/invoices", draft)).body).toEqual({
      version: "1.0.0",
      invoice: {
        id: 1,
        number: "INV-000001",
        customer_id: 1,
        issued_on: "2026-05-31",
        posted_at: null,
        total: "69.705",
        paid: "0",
        open: "69.705",
      },
    });
    const payment = { amount: "9.705", paid_on: "2026-06-02" };
    expect(await acme.post("/invoices/1/payments", payment)).toMatchObject({
      status: 409,
      body: { code: "INVOICE_NOT_POSTED" },
    });
    const posted = await acme.post("/invoices/1/post");
    expect(posted.body["invoice"]).toMatchObject({ posted_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string });
    expect((await acme.post("/invoices/1/post")).body).toEqual(posted.body);
    expect((await acme.post("/invoices/1/payments", payment)).body["invoice"]).toMatchObject({ open: "60" });
    expect(await acme.post("/invoices/1/payments", { ...payment, amount: 60.01 })).toMatchObject({
      status: 409,
      body: { code: "MORE_THAN_OPEN", open: "60" },
    });
    expect((await acme.get("/invoices/1")).body["invoice"]).toMatchObject({
      paid: "9.705",
      lines: [
        { id: 1, description: "Design", quantity: 3, unit_price: "19.9" },
        { id: 2, description: "Copies", quantity: 1, unit_price: "10.005" },
      ],
      payments: [{ id: 1, amount: "9.705", paid_on: "2026-06-02" }],
    });
    expect((await acme.get("/summary")).body).toEqual({
      version: "1.0.0",
      customers: 1,
      invoices: 1,
      posted: 1,
      lines: 2,
      payments: 1,
      billed: "69.705",
      paid: "9.705",
      open: "60",
    });
    expect((await acme.get("/healthz/tenant")).status).toBe(200);
  });

  test("lists are paged and filtered", async () => {
    for (const n of [1, 2, 3]) await acme.post("/customers", { name: `Customer ${n}`, email: `n${n}@acme.example` });
    const first = await acme.get("/customers?limit=3");
    expect(first.body["customers"]).toHaveLength(3);
    const next = first.body["next"];
    const rest = await acme.get(`/customers?limit=3&after=${String(next)}`);
    expect(rest.body).toMatchObject({ customers: [{ name: "Customer 3" }], next: null });

    await acme.post("/invoices", { customer_id: 2, issued_on: "2026-07-01", lines });
    const numbers = async (query: string): Promise<unknown> =>
      ((await acme.get(`/invoices?${query}`)).body["invoices"] as { id: number }[]).map(({ id }) => id);
    expect(await numbers("")).toEqual([1, 2]);
    expect(await numbers("posted=true")).toEqual([1]);
    expect(await numbers("posted=false")).toEqual([2]);
    expect(await numbers("customer_id=2")).toEqual([2]);
    expect(await numbers("from=2026-06-01")).toEqual([2]);
    expect(await numbers("to=2026-06-01")).toEqual([1]);
  });

  test("two payments at once can't pay more than is open", async () => {
    await acme.post("/invoices", { customer_id: 1, issued_on: "2026-05-31", lines: [{ ...lines[0], quantity: 1 }] });
    await acme.post("/invoices/3/post");
    const pay = { amount: 19.9, paid_on: "2026-06-02" };
    const answers = await Promise.all([1, 2, 3, 4].map(() => acme.post("/invoices/3/payments", pay)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409]);
  });

  test.each([
    ["no JSON", "/customers", undefined, "The body is not JSON."],
    ["an unknown field", "/customers", { ...ada, phone: "1" }, "phone"],
    ["no customer", "/invoices", { issued_on: "2026-05-31", lines }, "customer_id"],
    ["a day that is none", "/invoices", { customer_id: 1, issued_on: "2026-02-30", lines }, "issued_on"],
    ["no lines", "/invoices", { customer_id: 1, issued_on: "2026-05-31", lines: [] }, "lines"],
    ["an amount below 0", "/invoices/1/payments", { amount: -1, paid_on: "2026-05-31" }, "amount"],
    ["an amount in words", "/invoices/1/payments", { amount: "1; drop", paid_on: "2026-05-31" }, "amount"],
    ["an identifier that is none", "/invoices/x/post", undefined, "request"],
  ])("%s is refused with 400", async (_, path, body, detail) => {
    const answer = await acme.post(path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST" } });
    expect(answer.body["detail"]).toContain(detail);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  test("what is not there is 404, what is there already 409, and what is too large 413", async () => {
    expect((await acme.get("/invoices/99")).body["code"]).toBe("INVOICE_NOT_FOUND");
    expect((await acme.get("/ledgers")).body["code"]).toBe("ROUTE_NOT_FOUND");
    expect((await acme.post("/customers", ada)).body["code"]).toBe("EMAIL_TAKEN");
    const absent = { customer_id: 99, issued_on: "2026-05-31", lines };
    expect((await acme.post("/invoices", absent)).body["code"]).toBe("CUSTOMER_NOT_FOUND");
    expect((await acme.post("/customers", { ...ada, name: "x".repeat(300_000) })).status).toBe(413);
  });

  test("a tenant sees nothing of another one", async () => {
    expect((await globex.get("/customers")).body["customers"]).toEqual([]);
    expect((await globex.get("/invoices/1")).status).toBe(404);
    await globex.post("/customers", ada);
    expect((await globex.get("/summary")).body).toMatchObject({ customers: 1, invoices: 0, billed: "0" });
  });

  test("a request without a context, with a forged one or an expired one reaches nothing", async () => {
    const contexts = [
      null,
      acme.sign({}, "another key"),
      acme.sign({ expires: 1 }),
      acme.sign({ version: "1.5.0" }),
      `${acme.sign()}x`,
    ];
    for (const context of contexts) {
      const answer = await acme.send("GET", "/customers", { context });
      expect(answer).toMatchObject({ status: 401, body: { code: "AIBOS_TENANT_CONTEXT" } });
    }
  });

  test("a version that is shut out of a tenant's data answers 503 with Retry-After", async () => {
    await database.allow("globex", "1.0.0", false);
    const answer = await globex.get("/customers");
    expect(answer).toMatchObject({ status: 503, body: { code: "AIBOS_TENANT_UNAVAILABLE" } });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect((await globex.get("/healthz/tenant")).status).toBe(503);
    expect((await acme.get("/customers")).status).toBe(200);
    await database.allow("globex", "1.0.0", true);
    expect((await globex.get("/customers")).status).toBe(200);
  });
});
