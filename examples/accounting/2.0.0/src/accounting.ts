import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type ModuleKit, ProblemError } from "@aibos/module-kit";
import { customerRoutes } from "./customers.ts";
import { currency } from "./amount.ts";
import { homeRoutes } from "./home.ts";
import { invoiceChangeRoutes } from "./invoice-changes.ts";
import { invoiceRoutes } from "./invoices.ts";
import { paymentRoutes } from "./payments.ts";
import { parseInput } from "./request-input.ts";
import { readSummary } from "./summary.ts";
import { findInconsistencies } from "./tenant-health.ts";

const LARGEST_BODY = 256 * 1024;

/** Accounting's HTTP service. Every request is for the tenant in its context. */
export function createAccounting(kit: ModuleKit): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: LARGEST_BODY,
      onError: () => kit.problem(new ProblemError(413, "TOO_LARGE", `The body is larger than ${LARGEST_BODY} bytes.`)),
    }),
  );
  app.onError((error) => kit.problem(error));
  app.notFound((c) =>
    kit.problem(new ProblemError(404, "ROUTE_NOT_FOUND", `Accounting has no ${c.req.method} ${c.req.path}.`)),
  );
  app.get("/healthz/tenant", (c) => kit.tenantHealth(c, findInconsistencies));
  app.get("/summary", async (c) => {
    const wanted = parseInput(currency.default("EUR"), c.req.query("currency"));
    const summary = await kit.withTenant(c, (tenant) => readSummary(tenant, wanted), { readOnly: true });
    return c.json({ version: kit.config.version, ...summary });
  });
  app.route("/home", homeRoutes(kit));
  app.route("/customers", customerRoutes(kit));
  app.route("/invoices", invoiceRoutes(kit));
  app.route("/invoices", invoiceChangeRoutes(kit));
  app.route("/invoices", paymentRoutes(kit));
  return app;
}
