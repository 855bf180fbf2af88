import { Hono } from "hono";
import { z } from "zod";
import {
  type HookOutcome,
  type ModuleKit,
  ProblemError,
  type TenantHooks,
  type TenantTransaction,
} from "@aibos/module-kit";
import { amount } from "./amount.ts";
import { type Invoice, lockInvoice, readInvoice } from "./invoice.ts";
import { parseBody, parseInput, rowId } from "./request-input.ts";

const correction = z.strictObject({ unit_price: amount });

/** `POST /invoices/:id/post` · `POST /invoices/:id/void` · `PATCH /invoices/:id/lines/:line` */
export function invoiceChangeRoutes(kit: ModuleKit): Hono {
  const { version } = kit.config;
  return new Hono()
    .post("/:id/post", async (c) => {
      const id = parseInput(rowId, c.req.param("id"));
      const { invoice, isNew } = await kit.withTenant(c, (tenant) => postInvoice(tenant, id));
      const hook = isNew ? await tellPosted(kit.hooks(c), invoice) : undefined;
      return c.json({ version, invoice, ...(hook === undefined || hook.status === "none" ? {} : { hook }) });
    })
    .post("/:id/void", async (c) => {
      const id = parseInput(rowId, c.req.param("id"));
      const invoice = await kit.withTenant(c, (tenant) => voidInvoice(tenant, id));
      return c.json({ version, invoice });
    })
    .patch("/:id/lines/:line", async (c) => {
      const id = parseInput(rowId, c.req.param("id"));
      const line = parseInput(rowId, c.req.param("line"));
      const { unit_price: unitPrice } = await parseBody(correction, c.req.raw);
      const invoice = await kit.withTenant(c, (tenant) => correctLine(tenant, { id, line, unitPrice }));
      return c.json({ version, invoice });
    });
}

/** Posting twice changes nothing. The status follows by a trigger. */
async function postInvoice(tenant: TenantTransaction, id: number): Promise<{ invoice: Invoice; isNew: boolean }> {
  const { status, number } = await lockInvoice(tenant, id);
  if (status === "void") throw new ProblemError(409, "INVOICE_VOID", `Invoice ${number} is void.`);
  const { rowCount } = await tenant.query("update invoices set posted_at = now() where id = $1 and posted_at is null", [
    id,
  ]);
  return { invoice: await readInvoice(tenant, id), isNew: rowCount === 1 };
}

/** What the tenant has set to happen when an invoice is posted. */
function tellPosted(hooks: TenantHooks, { number, issued_on, total, currency }: Invoice): Promise<HookOutcome> {
  return hooks.call("on-invoice-posted", { number, issued_on, total, currency });
}

/** Voiding twice changes nothing. */
async function voidInvoice(tenant: TenantTransaction, id: number): Promise<Invoice> {
  const { status, number } = await lockInvoice(tenant, id);
  refusePosted(status, number);
  await tenant.query("update invoices set status = 'void' where id = $1 and status = 'draft'", [id]);
  return readInvoice(tenant, id);
}

async function correctLine(
  tenant: TenantTransaction,
  { id, line, unitPrice }: { id: number; line: number; unitPrice: string },
): Promise<Invoice> {
  const { status, number } = await lockInvoice(tenant, id);
  refusePosted(status, number);
  const { rowCount } = await tenant.query(
    "update invoice_lines set unit_price = $3 where id = $2 and invoice_id = $1",
    [id, line, unitPrice],
  );
  if (rowCount === 0) throw new ProblemError(404, "LINE_NOT_FOUND", `Invoice ${number} has no line ${line}.`);
  return readInvoice(tenant, id);
}

/** What a customer was sent does not change any more. */
function refusePosted(status: Invoice["status"], number: string): void {
  if (status === "draft" || status === "void") return;
  throw new ProblemError(409, "INVOICE_POSTED", `Invoice ${number} is ${status}; only a draft can be changed.`);
}
