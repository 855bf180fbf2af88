import { Hono } from "hono";
import { z } from "zod";
import { type ModuleKit, ProblemError, type TenantTransaction } from "@aibos/module-kit";
import { amountMinor, day } from "./amount.ts";
import { type Invoice, lockInvoice, readInvoice } from "./invoice.ts";
import { parseBody, parseInput, rowId } from "./request-input.ts";

const newPayment = z.strictObject({ amount_minor: amountMinor.min(1), paid_on: day });

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
  const { rowCount } = await tenant.query(
    `insert into payments (invoice_id, amount_minor, paid_on)
     select $1, $2::bigint, $3 where $2::bigint <=
       (select coalesce(sum(quantity * unit_price_minor), 0) from invoice_lines where invoice_id = $1)
       - (select coalesce(sum(amount_minor), 0) from payments where invoice_id = $1)`,
    [id, payment.amount_minor, payment.paid_on],
  );
  if (rowCount === 0) {
    const { open_minor: openMinor } = await readInvoice(tenant, id);
    throw new ProblemError(409, "MORE_THAN_OPEN", `Only ${openMinor} minor units of invoice ${number} is open.`, {
      open_minor: openMinor,
    });
  }
  return readInvoice(tenant, id);
}
