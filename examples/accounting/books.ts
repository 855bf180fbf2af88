import { z } from "zod";
import { AccountingApi, type AccountingApiOptions } from "./accounting-api.ts";

/** A tenant's books in a few numbers, written alike whichever version answered. Amounts are decimal numbers as text. */
export interface Books {
  readonly version: string;
  readonly customers: number;
  readonly invoices: number;
  readonly posted: number;
  readonly lines: number;
  readonly payments: number;
  readonly billed: string;
  readonly paid: string;
  readonly open: string;
}

const counts = {
  version: z.string(),
  customers: z.number(),
  invoices: z.number(),
  posted: z.number(),
  lines: z.number(),
  payments: z.number(),
};
const minor = z.int().transform(decimalOf);
const summary = z.union([
  z.object({ ...counts, billed: z.string(), paid: z.string(), open: z.string() }),
  z
    .object({ ...counts, billed_minor: minor, paid_minor: minor, open_minor: minor })
    .transform(({ billed_minor: billed, paid_minor: paid, open_minor: open, ...rest }) => ({
      ...rest,
      billed,
      paid,
      open,
    })),
]);

/** `GET /summary` of any version. */
export async function readBooks(options: AccountingApiOptions): Promise<Books> {
  return summary.parse(await new AccountingApi(options).send("GET", "/summary"));
}

/** As PostgreSQL's trim_scale writes it: no zeros at the end. */
function decimalOf(amount: number): string {
  return (amount / 100).toFixed(2).replace(/\.?0+$/, "");
}
