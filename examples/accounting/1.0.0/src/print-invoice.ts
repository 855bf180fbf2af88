import { z } from "zod";
import type { TenantTransaction } from "@aibos/module-kit";
import type { Invoice } from "./invoice.ts";

const settings = z.object({ dueDays: z.int() });

/** An invoice as the tenant's template has it: `{{field}}` is a field of the invoice, or `due_on`. */
export async function printInvoice(tenant: TenantTransaction, version: string, invoice: Invoice): Promise<string> {
  const { dueDays } = settings.parse(JSON.parse(await customized(tenant, "settings", version)));
  const due = new Date(`${invoice.issued_on}T00:00:00Z`);
  due.setUTCDate(due.getUTCDate() + dueDays);
  const fields = new Map<string, unknown>([...Object.entries(invoice), ["due_on", due.toISOString().slice(0, 10)]]);
  const template = await customized(tenant, "invoice", version);
  return template.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => {
    const value = fields.get(name);
    return typeof value === "string" || typeof value === "number" ? String(value) : placeholder;
  });
}

/** What the tenant made of something that this version lets it change, or the default. */
async function customized(tenant: TenantTransaction, name: string, version: string): Promise<string> {
  const { rows } = await tenant.query<{ content: string | null }>(
    "select aibos_customizations.content($1, $2) as content",
    [name, version],
  );
  return rows[0]?.content ?? "";
}
