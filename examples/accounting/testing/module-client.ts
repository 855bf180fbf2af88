import { signTenantContext, TENANT_CONTEXT_HEADER, type TenantContext } from "@aibos/contract";

export interface ModuleAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends requests as the gateway would: with a signed context of one tenant. */
export class ModuleClient {
  readonly #context: Omit<TenantContext, "expires">;
  readonly #contextKey: string;
  readonly #fetch: (request: Request) => Response | Promise<Response>;

  constructor(options: {
    context: Omit<TenantContext, "expires">;
    contextKey: string;
    fetch: (request: Request) => Response | Promise<Response>;
  }) {
    this.#context = options.context;
    this.#contextKey = options.contextKey;
    this.#fetch = options.fetch;
  }

  /** The header's value. `changes` make one that the gateway would not have sent. */
  sign(changes: Partial<TenantContext> = {}, key: string = this.#contextKey): string {
    return signTenantContext({ ...this.#context, expires: Math.floor(Date.now() / 1_000) + 60, ...changes }, key);
  }

  /** `context` null: sends none. */
  async send(
    method: "GET" | "POST" | "PATCH",
    path: string,
    { body, context = this.sign() }: { body?: unknown; context?: string | null } = {},
  ): Promise<ModuleAnswer> {
    const request = new Request(`http://module${path}`, {
      method,
      headers: {
        ...(context === null ? {} : { [TENANT_CONTEXT_HEADER]: context }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const response = await this.#fetch(request);
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as ModuleAnswer["body"],
    };
  }

  get(path: string): Promise<ModuleAnswer> {
    return this.send("GET", path);
  }

  post(path: string, body?: unknown): Promise<ModuleAnswer> {
    return this.send("POST", path, { body });
  }

  patch(path: string, body: unknown): Promise<ModuleAnswer> {
    return this.send("PATCH", path, { body });
  }
}
