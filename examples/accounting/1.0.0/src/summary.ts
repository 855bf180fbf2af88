import type { TenantTransaction } from "@aibos/module-kit";

/** The tenant's books in a few numbers. Drafts count as invoices, but not into `billed`. */
export interface Summary {
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
export async function readSummary(tenant: TenantTransaction): Promise<Summary> {
  const { rows } = await tenant.query<Summary>(
    `select
       (select count(*) from customers)::float8 as customers,
       (select count(*) from invoices)::float8 as invoices,
       (select count(*) from invoices where posted_at is not null)::float8 as posted,
       (select count(*) from invoice_lines)::float8 as lines,
       (select count(*) from payments)::float8 as payments,
       trim_scale(billed)::text as billed, trim_scale(paid)::text as paid, trim_scale(billed - paid)::text as open
     from (select coalesce(sum(l.quantity * l.unit_price), 0) as billed
           from invoice_lines l join invoices i on i.id = l.invoice_id where i.posted_at is not null) as b,
          (select coalesce(sum(amount), 0) as paid from payments) as p`,
  );
  const [summary] = rows;
  if (summary === undefined) throw new Error("The summary's statement gave no row.");
  return summary;
}
