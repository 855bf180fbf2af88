import { z } from "zod";
import { AccountingApi, type AccountingApiOptions } from "./accounting-api.ts";

/** A line whose unit price, 10.005, is no whole number of cents: 2.0.0's migration refuses it. */
export interface AwkwardInvoice {
  readonly invoice: number;
  readonly line: number;
  readonly number: string;
}

const customers = z.object({ customers: z.array(z.object({ id: z.number() })).min(1) });
const whole = z.object({
  invoice: z.object({ number: z.string(), lines: z.array(z.object({ id: z.number() })).min(1) }),
});

/** Adds a draft with such a line, for the first customer. Works with 1.0.0 and 1.5.0. */
export async function addAwkwardInvoice(options: AccountingApiOptions): Promise<AwkwardInvoice> {
  const api = new AccountingApi(options);
  const [customer] = customers.parse(await api.send("GET", "/customers?limit=1")).customers;
  const { id } = await api.create("/invoices", {
    customer_id: customer?.id,
    issued_on: "2026-06-30",
    lines: [{ description: "Copies, half a cent each over ten", quantity: 200, unit_price: "10.005" }],
  });
  const { invoice } = whole.parse(await api.send("GET", `/invoices/${id}`));
  return { invoice: id, line: invoice.lines[0]?.id ?? 0, number: invoice.number };
}

/** Gives the line a price in whole cents, as 1.5.0 can. */
export async function correctAwkwardInvoice(
  options: AccountingApiOptions,
  { invoice, line }: AwkwardInvoice,
): Promise<void> {
  await new AccountingApi(options).send("PATCH", `/invoices/${invoice}/lines/${line}`, { unit_price: "10.01" });
}
