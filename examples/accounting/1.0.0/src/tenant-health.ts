import type { TenantTransaction } from "@aibos/module-kit";

/** What is wrong with a tenant's books; nothing, when they can be served. */
export async function findInconsistencies(tenant: TenantTransaction): Promise<string[]> {
  const { rows } = await tenant.query<{ issue: string }>(
    `select count(*) || ' invoices have no line.' as issue from invoices i
       where not exists (select from invoice_lines where invoice_id = i.id) having count(*) > 0
     union all
     select count(*) || ' payments are for an invoice that is not posted.' from payments p
       join invoices i on i.id = p.invoice_id where i.posted_at is null having count(*) > 0`,
  );
  return rows.map(({ issue }) => issue);
}
