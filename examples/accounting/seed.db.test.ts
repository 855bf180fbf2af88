import { afterAll, beforeAll, expect, test } from "vitest";
import { createModuleKit, type ModuleKit, type ModuleServer } from "@aibos/module-kit";
import { createAccounting } from "./1.5.0/src/accounting.ts";
import { addAwkwardInvoice, correctAwkwardInvoice } from "./awkward-invoice.ts";
import { readBooks } from "./books.ts";
import { seedAccounting } from "./seed.ts";
import { type AccountingDatabase, createAccountingDatabase } from "./testing/accounting-database.ts";

let database: AccountingDatabase;
let kit: ModuleKit;
let server: ModuleServer;

beforeAll(async () => {
  database = await createAccountingDatabase();
  kit = createModuleKit({ environment: await database.environmentOf("1.5.0") });
  for (const tenant of ["acme", "globex", "initech"]) {
    await database.migrate(tenant, "1.5.0");
    await database.allow(tenant, "1.5.0", true);
  }
  server = await kit.serve(createAccounting(kit).fetch);
});
afterAll(async () => {
  await server.stop();
  await database[Symbol.asyncDispose]();
});

/** The gateway's part: the context of one tenant. */
function accessTo(tenant: string): { baseUrl: string; headers: Record<string, string> } {
  const context = database.client(tenant, "1.5.0", () => new Response()).sign();
  return { baseUrl: `http://127.0.0.1:${server.port}/`, headers: { "x-aibos-context": context } };
}

test("the same seed makes the same books, and another seed others", async () => {
  const size = { customers: 8, invoices: 30, payments: 12 };
  const made = await seedAccounting({ ...accessTo("acme"), title: "Acme GmbH", size, seed: 7 });
  await seedAccounting({ ...accessTo("globex"), title: "Globex", size, seed: 7, parallel: 1 });
  await seedAccounting({ ...accessTo("initech"), title: "Initech", size, seed: 8 });
  const books = await readBooks(accessTo("acme"));
  expect(books).toMatchObject({ version: "1.5.0", ...made });
  expect(books).toMatchObject(size);
  expect(await readBooks(accessTo("globex"))).toEqual(books);
  expect((await readBooks(accessTo("initech"))).billed).not.toBe(books.billed);
});

test("the awkward invoice can be added and corrected", async () => {
  const before = await readBooks(accessTo("acme"));
  const awkward = await addAwkwardInvoice(accessTo("acme"));
  await correctAwkwardInvoice(accessTo("acme"), awkward);
  expect(await readBooks(accessTo("acme"))).toEqual({
    ...before,
    invoices: before.invoices + 1,
    lines: before.lines + 1,
  });
});
