import { z } from "zod";

export interface AccountingApiOptions {
  /** Where the module answers, such as `http://127.0.0.1:8080/t/acme/accounting`. */
  readonly baseUrl: string;
  /** Sent with every request: the gateway keeps the user of a header on one version. */
  readonly headers?: Readonly<Record<string, string>>;
}

const created = z.union([
  z.object({ customer: z.object({ id: z.number() }) }).transform(({ customer }) => customer),
  z.object({ invoice: z.object({ id: z.number() }) }).transform(({ invoice }) => invoice),
]);

/** Speaks to a tenant's accounting as a user's program would. */
export class AccountingApi {
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ baseUrl, headers = {} }: AccountingApiOptions) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#headers = headers;
  }

  /** The answer's JSON. @throws Error that quotes a refusal */
  async send(method: "GET" | "POST" | "PATCH", path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.#baseUrl + path, {
      method,
      headers: { ...this.#headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${this.#baseUrl}${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }

  /** Makes a customer or an invoice. */
  async create(path: "/customers" | "/invoices", body: unknown): Promise<{ id: number }> {
    return created.parse(await this.send("POST", path, body));
  }
}
