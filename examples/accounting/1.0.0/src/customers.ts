import { Hono } from "hono";
import { z } from "zod";
import { type ModuleKit, ProblemError } from "@aibos/module-kit";
import { page, pageOf, parseBody, parseInput } from "./request-input.ts";

interface Customer {
  readonly id: number;
  readonly name: string;
  readonly email: string;
}

const newCustomer = z.strictObject({ name: z.string().trim().min(1).max(200), email: z.email().max(320) });
const customerPage = z.object(page);
const COLUMNS = "id::float8 as id, name, email";

/** `GET /customers` · `POST /customers` */
export function customerRoutes(kit: ModuleKit): Hono {
  const { version } = kit.config;
  return new Hono()
    .get("/", async (c) => {
      const { limit, after } = parseInput(customerPage, c.req.query());
      const { rows } = await kit.withTenant(
        c,
        (tenant) =>
          tenant.query<Customer>(`select ${COLUMNS} from customers where id > $1 order by customers.id limit $2`, [
            after ?? 0,
            limit + 1,
          ]),
        { readOnly: true },
      );
      const { rows: customers, next } = pageOf(rows, limit);
      return c.json({ version, customers, next });
    })
    .post("/", async (c) => {
      const { name, email } = await parseBody(newCustomer, c.req.raw);
      const { rows } = await kit.withTenant(c, (tenant) =>
        tenant.query<Customer>(
          `insert into customers (name, email) values ($1, $2) on conflict (email) do nothing returning ${COLUMNS}`,
          [name, email],
        ),
      );
      const [customer] = rows;
      if (customer === undefined)
        throw new ProblemError(409, "EMAIL_TAKEN", `A customer with ${email} is there already.`);
      return c.json({ version, customer }, 201);
    });
}
