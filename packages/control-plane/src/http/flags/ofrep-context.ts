/** Whom an OFREP request asks for. The tenant is not among it: it is the key's. */
export interface OfrepContext {
  readonly user: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface OfrepRefusal {
  readonly errorCode: "PARSE_ERROR" | "INVALID_CONTEXT";
  readonly errorDetails: string;
}

/** The context of a body `{ "context": { … } }`. Read by hand: it is asked at every evaluation. */
function contextIn(body: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(body)) return undefined;
  const { context = {} } = body;
  return isObject(context) ? context : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads a request's body. */
export function readOfrepContext(text: string): OfrepContext | OfrepRefusal {
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch {
    return { errorCode: "PARSE_ERROR", errorDetails: "The body is not JSON." };
  }
  const context = contextIn(body);
  if (context === undefined) {
    return { errorCode: "INVALID_CONTEXT", errorDetails: 'The body must be { "context": { … } }.' };
  }
  const { targetingKey, ...attributes } = context;
  if (targetingKey !== undefined && (typeof targetingKey !== "string" || targetingKey.length > 1_000)) {
    return { errorCode: "INVALID_CONTEXT", errorDetails: "targetingKey must be a text of at most 1,000 characters." };
  }
  return { user: targetingKey === "" ? undefined : targetingKey, attributes };
}
