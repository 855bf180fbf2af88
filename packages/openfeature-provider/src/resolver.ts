import { ErrorCode, type EvaluationContext, type JsonValue, type ResolutionDetails } from "@openfeature/server-sdk";

/** What an evaluation came to, wherever it was made. */
export interface Resolved {
  readonly value?: unknown;
  readonly variant?: string | undefined;
  readonly reason?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly errorMessage?: string | undefined;
  readonly flagMetadata?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export type ResolveFlag = (key: string, context: EvaluationContext) => Resolved | Promise<Resolved>;

type Kind = "boolean" | "string" | "number" | "object";

/** Whom a context names, without what says who it is. */
export function subjectOf({ targetingKey, ...attributes }: EvaluationContext): {
  user: string | undefined;
  attributes: Record<string, unknown>;
} {
  return { user: targetingKey === undefined || targetingKey === "" ? undefined : targetingKey, attributes };
}

const CODES: ReadonlyMap<string, ErrorCode> = new Map(Object.entries(ErrorCode));

/** A result as the SDK takes it: the caller's default for an error or another type. */
export function detailsOf<T>(kind: Kind, resolved: Resolved, fallback: T): ResolutionDetails<T> {
  const { value, variant, reason, errorCode, errorMessage, flagMetadata } = resolved;
  const common = flagMetadata === undefined ? {} : { flagMetadata: { ...flagMetadata } };
  if (errorCode !== undefined) {
    const code = CODES.get(errorCode) ?? ErrorCode.GENERAL;
    const message = errorMessage === undefined ? {} : { errorMessage };
    return { ...common, ...message, value: fallback, reason: "ERROR", errorCode: code };
  }
  const named = { ...(variant === undefined ? {} : { variant }), ...(reason === undefined ? {} : { reason }) };
  // Without a value, the server leaves it to the caller's default.
  if (value === undefined) return { ...common, ...named, value: fallback };
  if (typeof value === kind && value !== null) return { ...common, ...named, value: value as T };
  const errorMessage2 = `The flag's value is of type ${typeof value}, and ${kind} was asked for.`;
  return {
    ...common,
    value: fallback,
    reason: "ERROR",
    errorCode: ErrorCode.TYPE_MISMATCH,
    errorMessage: errorMessage2,
  };
}

/** The four methods of a provider over one way to resolve. */
export function resolverMethods(resolve: ResolveFlag) {
  return {
    resolveBooleanEvaluation: async (key: string, fallback: boolean, context: EvaluationContext) =>
      detailsOf("boolean", await resolve(key, context), fallback),
    resolveStringEvaluation: async (key: string, fallback: string, context: EvaluationContext) =>
      detailsOf("string", await resolve(key, context), fallback),
    resolveNumberEvaluation: async (key: string, fallback: number, context: EvaluationContext) =>
      detailsOf("number", await resolve(key, context), fallback),
    resolveObjectEvaluation: async <T extends JsonValue>(key: string, fallback: T, context: EvaluationContext) =>
      detailsOf("object", await resolve(key, context), fallback),
  };
}
