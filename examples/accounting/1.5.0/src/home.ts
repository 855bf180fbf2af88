import { Hono } from "hono";
import type { ModuleKit, TenantTransaction } from "@aibos/module-kit";

/** An invoice that is unusually high: more than three times what the tenant's invoices are in the middle. */
interface Insight {
  readonly number: string;
  readonly currency: string;
  /** As `numeric` writes it. */
  readonly total: string;
}

/** The start page: its look and what is on it are flags of the tenant, or of one user. */
export function homeRoutes(kit: ModuleKit): Hono {
  const app = new Hono();
  app.get("/", async (c) => {
    const flags = kit.flags(c);
    const user = c.req.header("x-user-id");
    const ui = flags.boolean("new_ui_enabled", { user }) ? "new" : "classic";
    const page = { version: kit.config.version, ui, ...(ui === "new" ? { tiles: ["summary", "invoices"] } : {}) };
    if (!flags.boolean("ai_insights_enabled", { user })) return c.json(page);
    const insights = await kit.withTenant(c, findInsights, { readOnly: true });
    return c.json({ ...page, insights });
  });
  return app;
}

async function findInsights(tenant: TenantTransaction): Promise<readonly Insight[]> {
  const { rows } = await tenant.query<Insight>(
    `with totals as (
       select i.number, i.currency, sum(l.quantity * l.unit_price) as amount
       from invoices i join invoice_lines l on l.invoice_id = i.id
       where i.posted_at is not null group by i.id, i.number, i.currency
     ), middles as (
       select currency, percentile_cont(0.5) within group (order by amount) as middle from totals group by currency
     )
     select t.number, t.currency, trim_scale(t.amount)::text as total
     from totals t join middles m on m.currency = t.currency and t.amount > 3 * m.middle
     order by t.amount desc, t.number limit 5`,
  );
  return rows;
}
