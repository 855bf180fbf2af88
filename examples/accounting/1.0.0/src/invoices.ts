import { Hono } from "hono";
import { z } from "zod";
import {
  type HookOutcome,
  type ModuleKit,
  ProblemError,
  type TenantHooks,
  type TenantTransaction,
} from "@aibos/module-kit";
import { amount, day } from "./amount.ts";
import { type Invoice, lockInvoice, readInvoice, readWholeInvoice, SELECT_INVOICES } from "./invoice.ts";
import { page, pageOf, parseBody, parseInput, rowId } from "./request-input.ts";
import { printInvoice } from "./print-invoice.ts";

const newInvoice = z.strictObject({
  customer_id: rowId,
  issued_on: day,
  lines: z
    .array(
      z.strictObject({
        description: z.string().trim().min(1).max(500),
        quantity: z.int().min(1).max(1_000_000),
        unit_price: amount,
      }),
    )
    .min(1)
    .max(200),
});

const invoiceQuery = z.object({
  ...page,
  customer_id: rowId.optional(),
  posted: z.enum(["true", "false"]).optional(),
  from: day.optional(),
  to: day.optional(),
});

/** `GET /invoices` · `POST /invoices` · `GET /invoices/:id` · `POST /invoices/:id/post` */
export function invoiceRoutes(kit: ModuleKit): Hono {
  const { version } = kit.config;
  return new Hono()
    .get("/", async (c) => {
      const query = parseInput(invoiceQuery, c.req.query());
      const rows = await kit.withTenant(c, (tenant) => listInvoices(tenant, query), { readOnly: true });
      const { rows: invoices, next } = pageOf(rows, query.limit);
      return c.json({ version, invoices, next });
    })
    .post("/", async (c) => {
      const body = await parseBody(newInvoice, c.req.raw);
      const invoice = await kit.withTenant(c, (tenant) => createInvoice(tenant, body));
      return c.json({ version, invoice }, 201);
    })
    .get("/:id/print", async (c) => {
      const id = parseInput(rowId, c.req.param("id"));
      const text = await kit.withTenant(
        c,
        async (tenant) => printInvoice(tenant, version, await readWholeInvoice(tenant, id)),
        { readOnly: true },
      );
      return c.text(text);
    })
    .get("/:id", async (c) => {
      const id = parseInput(rowId, c.req.param("id"));
      const invoice = await kit.withTenant(c, (tenant) => readWholeInvoice(tenant, id), { readOnly: true });
      return c.json({ version, invoice });
    })
    .post("/:id/post", async (c) => {
      const id = parseInput(rowId, c.req.param("id"));
      const { invoice, isNew } = await kit.withTenant(c, (tenant) => postInvoice(tenant, id));
      const hook = isNew ? await tellPosted(kit.hooks(c), invoice) : undefined;
      return c.json({ version, invoice, ...(hook === undefined || hook.status === "none" ? {} : { hook }) });
    });
}

async function listInvoices(
  tenant: TenantTransaction,
  query: z.output<typeof invoiceQuery>,
): Promise<readonly Invoice[]> {
  const { rows } = await tenant.query<Invoice>(
    `${SELECT_INVOICES}
     where i.id > $1
       and ($2::bigint is null or i.customer_id = $2)
       and ($3::boolean is null or (i.posted_at is not null) = $3)
       and ($4::date is null or i.issued_on >= $4)
       and ($5::date is null or i.issued_on <= $5)
     order by i.id limit $6`,
    [query.after ?? 0, query.customer_id, query.posted, query.from, query.to, query.limit + 1],
  );
  return rows;
}

async function createInvoice(tenant: TenantTransaction, body: z.output<typeof newInvoice>): Promise<Invoice> {
  const { rowCount } = await tenant.query("select from customers where id = $1 for key share", [body.customer_id]);
  if (rowCount === 0) throw new ProblemError(409, "CUSTOMER_NOT_FOUND", `There is no customer ${body.customer_id}.`);
  const { rows } = await tenant.query<{ id: number }>(
    `insert into invoices (number, customer_id, issued_on) values (gen_random_uuid()::text, $1, $2) returning id::float8 as id`,
    [body.customer_id, body.issued_on],
  );
  const id = rows[0]?.id ?? 0;
  // Called after its key, which a sequence draws: its name can't be asked for through a view.
  await tenant.query("update invoices set number = 'INV-' || lpad(id::text, 6, '0') where id = $1", [id]);
  await tenant.query(
    `insert into invoice_lines (invoice_id, description, quantity, unit_price)
     select $1, line.description, line.quantity, line.unit_price
     from jsonb_to_recordset($2) as line (description text, quantity integer, unit_price numeric)`,
    [id, JSON.stringify(body.lines)],
  );
  return readInvoice(tenant, id);
}

/** Posting twice changes nothing. */
async function postInvoice(tenant: TenantTransaction, id: number): Promise<{ invoice: Invoice; isNew: boolean }> {
  await lockInvoice(tenant, id);
  const { rowCount } = await tenant.query("update invoices set posted_at = now() where id = $1 and posted_at is null", [
    id,
  ]);
  return { invoice: await readInvoice(tenant, id), isNew: rowCount === 1 };
}

/** What the tenant has set to happen when an invoice is posted. */
function tellPosted(hooks: TenantHooks, { number, issued_on, total }: Invoice): Promise<HookOutcome> {
  return hooks.call("on-invoice-posted", { number, issued_on, total });
}
