import { Hono } from "hono";
import { z } from "zod";
import { type CustomFields, type ModuleKit, ProblemError, type TenantTransaction } from "@aibos/module-kit";
import { page, pageOf, parseBody, parseInput } from "./request-input.ts";

interface Customer {
  readonly id: number;
  /** Empty for a customer with a single name. */
  readonly given_name: string;
  readonly family_name: string;
  readonly email: string;
  /** Customers from before 2.0.0 have none, unless their tenant kept it in a column of its own. */
  readonly vat_id: string | null;
  /** Where the tenant has columns of its own. */
  readonly custom_fields?: Readonly<Record<string, unknown>>;
}

/** By names that the tenant has chosen; which there are the tenant's own columns say. */
const customFields = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).default({});

const newCustomer = z.strictObject({
  given_name: z.string().trim().max(100).default(""),
  family_name: z.string().trim().min(1).max(100),
  email: z.email().max(320),
  vat_id: z.string().trim().max(20).optional(),
  custom_fields: customFields,
});
const customerPage = z.object(page);
const COLUMNS = "id::float8 as id, given_name, family_name, email, vat_id, to_jsonb(customers) as whole";

/** `GET /customers` · `POST /customers` */
export function customerRoutes(kit: ModuleKit): Hono {
  const { version } = kit.config;
  return new Hono()
    .get("/", async (c) => {
      const { limit, after } = parseInput(customerPage, c.req.query());
      const rows = await kit.withTenant(c, (tenant) => listCustomers(kit, tenant, after ?? 0, limit + 1), {
        readOnly: true,
      });
      const { rows: customers, next } = pageOf(rows, limit);
      return c.json({ version, customers, next });
    })
    .post("/", async (c) => {
      const { custom_fields: own, ...body } = await parseBody(newCustomer, c.req.raw);
      const { given_name: givenName, family_name: familyName, email, vat_id: vatId = null } = body;
      const customer = await kit.withTenant(c, async (tenant) => {
        const { rows } = await tenant.query<{ id: number }>(
          `insert into customers (given_name, family_name, email, vat_id) values ($1, $2, $3, $4)
           on conflict (email) do nothing returning id::float8 as id`,
          [givenName, familyName, email, vatId],
        );
        return rows[0] === undefined ? undefined : completeCustomer(kit, tenant, rows[0].id, own);
      });
      if (customer === undefined)
        throw new ProblemError(409, "EMAIL_TAKEN", `A customer with ${email} is there already.`);
      return c.json({ version, customer }, 201);
    });
}

type CustomerRow = Customer & { readonly whole: Readonly<Record<string, unknown>> };

async function listCustomers(
  kit: ModuleKit,
  tenant: TenantTransaction,
  after: number,
  limit: number,
): Promise<Customer[]> {
  const own = await kit.customFields(tenant, "customers");
  const { rows } = await tenant.query<CustomerRow>(
    `select ${COLUMNS} from customers where id > $1 order by customers.id limit $2`,
    [after, limit],
  );
  return rows.map((row) => describe(row, own));
}

/** Writes what the tenant has columns of its own for, and reads the customer. */
async function completeCustomer(
  kit: ModuleKit,
  tenant: TenantTransaction,
  id: number,
  values: Readonly<Record<string, unknown>>,
): Promise<Customer | undefined> {
  const own = await kit.customFields(tenant, "customers");
  const set = own.assign(values, 2);
  if (set !== undefined) await tenant.query(`update customers set ${set.sql} where id = $1`, [id, ...set.parameters]);
  const { rows } = await tenant.query<CustomerRow>(`select ${COLUMNS} from customers where id = $1`, [id]);
  return rows[0] === undefined ? undefined : describe(rows[0], own);
}

function describe({ whole, ...customer }: CustomerRow, own: CustomFields): Customer {
  return own.fields.length === 0 ? customer : { ...customer, custom_fields: own.pick(whole) };
}
