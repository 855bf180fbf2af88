import type { TenantTransaction } from "@aibos/module-kit";

/** The tenant's books in a few numbers. Counts are of all currencies, amounts of one; drafts have no amount. */
export interface Summary {
  readonly currency: string;
  readonly customers: number;
  readonly invoices: number;
  readonly posted: number;
  readonly lines: number;
  readonly payments: number;
  readonly billed: string;
  readonly paid: string;
  readonly open: string;
}

/** One statement, so that the numbers are of one moment. */
export async function readSummary(tenant: TenantTransaction, currency: string): Promise<Summary> {
  const { rows } = await tenant.query<Summary>(
    `select $1::text as currency,
       (select count(*) from customers)::float8 as customers,
       (select count(*) from invoices)::float8 as invoices,
       (select count(*) from invoices where posted_at is not null)::float8 as posted,
       (select count(*) from invoice_lines)::float8 as lines,
       (select count(*) from payments)::float8 as payments,
       trim_scale(billed)::text as billed, trim_scale(paid)::text as paid, trim_scale(billed - paid)::text as open
     from (select coalesce(sum(l.quantity * l.unit_price), 0) as billed
           from invoice_lines l join invoices i on i.id = l.invoice_id
           where i.posted_at is not null and i.currency = $1) as b,
          (select coalesce(sum(p.amount), 0) as paid from payments p join invoices i on i.id = p.invoice_id
           where i.currency = $1) as p`,
    [currency],
  );
  const [summary] = rows;
  if (summary === undefined) throw new Error("The summary's statement gave no row.");
  return summary;
}
