import { AccountingApi, type AccountingApiOptions } from "./accounting-api.ts";
import { createRandom, type Random } from "./random.ts";

/** How much there is of what. */
export interface SeedSize {
  readonly customers: number;
  readonly invoices: number;
  readonly payments: number;
}

export interface SeedOptions extends AccountingApiOptions {
  /** The tenant's name, part of its customers' addresses. */
  readonly title: string;
  readonly size?: SeedSize;
  /** The same seed makes the same books, but for the order of rows that were made at the same time. */
  readonly seed?: number;
  /** Requests at a time. */
  readonly parallel?: number;
}

/** What was made. */
export interface Seeded extends SeedSize {
  readonly lines: number;
  readonly posted: number;
}

interface SeedInvoice {
  readonly customer: number;
  readonly issuedOn: string;
  readonly lines: readonly { readonly description: string; readonly quantity: number; readonly minor: number }[];
  readonly posted: boolean;
  /** Part of the total that is paid; 0 for none. */
  readonly paid: number;
}

const SIZE: SeedSize = { customers: 40, invoices: 300, payments: 200 };
const GIVEN = ["Ada", "Bilal", "Chiara", "Dagny", "Emre", "Farah", "Greta", "Hugo", "Imke", "Jonas", "Kofi", "Lena"];
const FAMILY = ["Lovelace", "Okafor", "Rossi", "Nygaard", "Yılmaz", "Haddad", "Brandt", "Laurent", "Petersen", "Weber"];
const WORK = ["Consulting", "Design", "Hosting", "Support", "Training", "Translation", "Hardware", "Licence", "Travel"];

/** Fills a tenant's books through the module's own API, as 1.0.0 has it. @throws Error at the first refusal */
export async function seedAccounting(options: SeedOptions): Promise<Seeded> {
  const { title, size = SIZE, seed = 1, parallel = 4 } = options;
  const api = new AccountingApi(options);
  const random = createRandom(seed);
  const domain = `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.example`;
  const people = Array.from({ length: size.customers }, (_, index) => personOf(random, index, domain));
  const ids = await inParallel(people, parallel, async (person) => (await api.create("/customers", person)).id);
  const invoices = Array.from({ length: size.invoices }, (_, index) => invoiceOf(random, index, size));
  await inParallel(invoices, parallel, (invoice) => writeInvoice(api, ids[invoice.customer] ?? 0, invoice));
  return {
    ...size,
    payments: invoices.filter((invoice) => invoice.paid > 0).length,
    lines: invoices.reduce((sum, invoice) => sum + invoice.lines.length, 0),
    posted: invoices.filter((invoice) => invoice.posted).length,
  };
}

function personOf(random: Random, index: number, domain: string): { name: string; email: string } {
  const name = `${random.pick(GIVEN)} ${random.pick(FAMILY)}`;
  return { name, email: `customer-${index + 1}@${domain}` };
}

function invoiceOf(random: Random, index: number, size: SeedSize): SeedInvoice {
  const day = new Date(Date.UTC(2026, 0, 1 + random.below(180)));
  // Every tenth is a draft, unless payments need it.
  const isPaid = index < Math.min(size.payments, size.invoices);
  return {
    customer: random.below(size.customers),
    issuedOn: day.toISOString().slice(0, 10),
    lines: Array.from({ length: 1 + random.below(5) }, () => ({
      description: random.pick(WORK),
      quantity: 1 + random.below(12),
      minor: 100 + random.below(50_000),
    })),
    posted: isPaid || index % 3 !== 0,
    paid: isPaid ? random.pick([1, 1, 0.5]) : 0,
  };
}

async function writeInvoice(api: AccountingApi, customer: number, invoice: SeedInvoice): Promise<void> {
  const lines = invoice.lines.map(({ description, quantity, minor }) => ({
    description,
    quantity,
    unit_price: (minor / 100).toFixed(2),
  }));
  const { id } = await api.create("/invoices", { customer_id: customer, issued_on: invoice.issuedOn, lines });
  if (invoice.posted) await api.send("POST", `/invoices/${id}/post`);
  if (invoice.paid === 0) return;
  const total = invoice.lines.reduce((sum, { quantity, minor }) => sum + quantity * minor, 0);
  const amount = (Math.ceil(total * invoice.paid) / 100).toFixed(2);
  await api.send("POST", `/invoices/${id}/payments`, { amount, paid_on: invoice.issuedOn });
}

async function inParallel<T, R>(items: readonly T[], parallel: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (let index = next++; index < items.length; index = next++) {
        const item = items[index];
        if (item !== undefined) results[index] = await work(item);
      }
    }),
  );
  return results;
}
