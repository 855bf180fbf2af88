import { ProblemError, type TenantTransaction } from "@aibos/module-kit";

/** An invoice as the API shows it. Amounts are decimal numbers as text: a JSON number would round them. */
export interface Invoice {
  readonly id: number;
  readonly number: string;
  readonly customer_id: number;
  readonly issued_on: string;
  /** Null while it is a draft. */
  readonly posted_at: string | null;
  readonly total: string;
  readonly paid: string;
  readonly open: string;
}

export interface InvoiceLine {
  readonly id: number;
  readonly description: string;
  readonly quantity: number;
  readonly unit_price: string;
}

export interface Payment {
  readonly id: number;
  readonly amount: string;
  readonly paid_on: string;
}

/** Selects {@link Invoice}s, to be followed by `where …` on `i`. */
export const SELECT_INVOICES = `
  select i.id::float8 as id, i.number, i.customer_id::float8 as customer_id, i.issued_on::text as issued_on,
    to_json(i.posted_at) #>> '{}' as posted_at,
    trim_scale(l.total)::text as total, trim_scale(p.paid)::text as paid, trim_scale(l.total - p.paid)::text as open
  from invoices i
  cross join lateral (
    select coalesce(sum(quantity * unit_price), 0) as total from invoice_lines where invoice_id = i.id) l
  cross join lateral (
    select coalesce(sum(amount), 0) as paid from payments where invoice_id = i.id) p`;

/** @throws ProblemError (404) */
export async function readInvoice(tenant: TenantTransaction, id: number): Promise<Invoice> {
  const { rows } = await tenant.query<Invoice>(`${SELECT_INVOICES} where i.id = $1`, [id]);
  const [invoice] = rows;
  if (invoice === undefined) throw new ProblemError(404, "INVOICE_NOT_FOUND", `There is no invoice ${id}.`);
  return invoice;
}

/** The invoice with its lines and payments. @throws ProblemError (404) */
export async function readWholeInvoice(
  tenant: TenantTransaction,
  id: number,
): Promise<Invoice & { lines: readonly InvoiceLine[]; payments: readonly Payment[] }> {
  const invoice = await readInvoice(tenant, id);
  const { rows: lines } = await tenant.query<InvoiceLine>(
    `select id::float8 as id, description, quantity, unit_price::text as unit_price
     from invoice_lines where invoice_id = $1 order by invoice_lines.id`,
    [id],
  );
  const { rows: payments } = await tenant.query<Payment>(
    `select id::float8 as id, amount::text as amount, paid_on::text as paid_on
     from payments where invoice_id = $1 order by payments.id`,
    [id],
  );
  return { ...invoice, lines, payments };
}

/** Keeps others from changing the invoice until the transaction ends. @throws ProblemError (404) */
export async function lockInvoice(tenant: TenantTransaction, id: number): Promise<Invoice> {
  await tenant.query("select from invoices where id = $1 for update", [id]);
  return readInvoice(tenant, id);
}
