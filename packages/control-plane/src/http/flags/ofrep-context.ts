import { ofrepRequestSchema } from "@aibos/contract";

/** Whom an OFREP request asks for. The tenant is not among it: it is the key's. */
export interface OfrepContext {
  readonly user: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface OfrepRefusal {
  readonly errorCode: "PARSE_ERROR" | "INVALID_CONTEXT";
  readonly errorDetails: string;
}

/** Reads a request's body. */
export function readOfrepContext(text: string): OfrepContext | OfrepRefusal {
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch {
    return { errorCode: "PARSE_ERROR", errorDetails: "The body is not JSON." };
  }
  const parsed = ofrepRequestSchema.safeParse(body);
  if (!parsed.success) return { errorCode: "INVALID_CONTEXT", errorDetails: 'The body must be { "context": { … } }.' };
  const { targetingKey, ...attributes } = parsed.data.context;
  if (targetingKey !== undefined && (typeof targetingKey !== "string" || targetingKey.length > 1_000)) {
    return { errorCode: "INVALID_CONTEXT", errorDetails: "targetingKey must be a text of at most 1,000 characters." };
  }
  return { user: targetingKey === "" ? undefined : targetingKey, attributes };
}
