import { Hono } from "hono";
import { z } from "zod";
import { type ModuleKit, ProblemError, type TenantTransaction } from "@aibos/module-kit";
import { day, positiveAmount } from "./amount.ts";
import { type Invoice, lockInvoice, readInvoice } from "./invoice.ts";
import { parseBody, parseInput, rowId } from "./request-input.ts";

const newPayment = z.strictObject({ amount: positiveAmount, paid_on: day });

/** `POST /invoices/:id/payments` */
export function paymentRoutes(kit: ModuleKit): Hono {
  return new Hono().post("/:id/payments", async (c) => {
    const id = parseInput(rowId, c.req.param("id"));
    const payment = await parseBody(newPayment, c.req.raw);
    const invoice = await kit.withTenant(c, (tenant) => recordPayment(tenant, id, payment));
    return c.json({ version: kit.config.version, invoice }, 201);
  });
}

async function recordPayment(
  tenant: TenantTransaction,
  id: number,
  payment: z.output<typeof newPayment>,
): Promise<Invoice> {
  const { status, number } = await lockInvoice(tenant, id);
  if (status === "draft" || status === "void") {
    throw new ProblemError(409, "INVOICE_NOT_POSTED", `Invoice ${number} is ${status}; payments need a posted one.`);
  }
  // Compared in SQL, where decimal numbers are exact.
  const { rowCount } = await tenant.query(
    `insert into payments (invoice_id, amount, paid_on)
     select $1, $2::numeric, $3 where $2::numeric <=
       (select coalesce(sum(quantity * unit_price), 0) from invoice_lines where invoice_id = $1)
       - (select coalesce(sum(amount), 0) from payments where invoice_id = $1)`,
    [id, payment.amount, payment.paid_on],
  );
  if (rowCount === 0) {
    const { open } = await readInvoice(tenant, id);
    throw new ProblemError(409, "MORE_THAN_OPEN", `Only ${open} of invoice ${number} is open.`, { open });
  }
  return readInvoice(tenant, id);
}
