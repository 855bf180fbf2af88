import { OFREP_FLAGS_PATH } from "@aibos/contract";
import type { EvaluationContext, Provider } from "@openfeature/server-sdk";
import { type Resolved, resolverMethods } from "./resolver.ts";

export interface OfrepProviderOptions {
  /** Base URL of the control plane's API. */
  readonly url: string;
  /** A tenant's flag key. */
  readonly key: string;
  readonly fetch?: typeof fetch;
  /** Milliseconds that one evaluation may take. */
  readonly timeoutMs?: number;
}

/** Evaluates at the control plane, one request a flag. Waits as long as a server that is too busy says. */
export function createOfrepProvider(options: OfrepProviderOptions): Provider {
  const { key, timeoutMs = 2_000 } = options;
  const base = options.url.replace(/\/+$/, "");
  const send = options.fetch ?? fetch;
  let notBefore = 0;

  async function resolve(flag: string, context: EvaluationContext): Promise<Resolved> {
    if (Date.now() < notBefore) return failure("The server is busy, and said to wait.");
    try {
      const response = await send(`${base}${OFREP_FLAGS_PATH}/${encodeURIComponent(flag)}`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ context }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const wait = Number(response.headers.get("retry-after"));
      if ((response.status === 429 || response.status === 503) && wait > 0) notBefore = Date.now() + wait * 1_000;
      return resolvedOf(await response.json());
    } catch (error) {
      return failure(error instanceof Error ? error.message : String(error));
    }
  }

  return { runsOn: "server", metadata: { name: "AI-BOS Versions (OFREP)" }, ...resolverMethods(resolve) };
}

function failure(errorMessage: string): Resolved {
  return { errorCode: "GENERAL", errorMessage };
}

function resolvedOf(body: unknown): Resolved {
  if (typeof body !== "object" || body === null) return failure("The server's answer is not one of the protocol.");
  const { value, variant, reason, errorCode, errorDetails, metadata } = body as Record<string, unknown>;
  return {
    value,
    variant: typeof variant === "string" ? variant : undefined,
    reason: typeof reason === "string" ? reason : undefined,
    errorCode: typeof errorCode === "string" ? errorCode : undefined,
    errorMessage: typeof errorDetails === "string" ? errorDetails : undefined,
    flagMetadata: typeof metadata === "object" && metadata !== null ? (metadata as Record<string, string>) : undefined,
  };
}
