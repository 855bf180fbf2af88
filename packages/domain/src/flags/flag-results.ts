import type { FlagDefinition } from "./flag-definition.ts";
import type { FlagMetadata, FlagReason, FlagResult } from "./flag-result.ts";
import type { FlagValue } from "./flag-value.ts";

/** All that one flag can come to, made once: evaluating allocates nothing. */
export interface FlagResults {
  /** An error, with the default as its value, for a variant that there isn't. */
  ofVariant(variant: string, reason: FlagReason): FlagResult;
  /** A value without a name. */
  ofValue(value: FlagValue, reason: FlagReason): FlagResult;
  /** Leaves it to the caller. */
  withoutValue(reason: FlagReason): FlagResult;
  failed(message: string): FlagResult;
}

export function createFlagResults(definition: FlagDefinition, setMetadata: FlagMetadata): FlagResults {
  const { key, variants, defaultVariant, metadata } = definition;
  const flagMetadata = metadata === undefined ? setMetadata : Object.freeze({ ...metadata, ...setMetadata });
  const byReason = new Map<FlagReason, Map<string, FlagResult>>();
  const failed = (errorMessage: string): FlagResult =>
    Object.freeze({
      value: variants.get(defaultVariant),
      reason: "ERROR",
      errorCode: "GENERAL",
      errorMessage,
      flagMetadata,
    } satisfies FlagResult);

  return {
    ofVariant(variant, reason) {
      let known = byReason.get(reason);
      if (known === undefined) {
        known = new Map();
        byReason.set(reason, known);
      }
      const made = known.get(variant);
      if (made !== undefined) return made;
      const value = variants.get(variant);
      // Not kept: targeting can name any text.
      if (value === undefined) return failed(`Flag "${key}" has no variant "${variant.slice(0, 100)}".`);
      const result: FlagResult = Object.freeze({ value, variant, reason, flagMetadata });
      known.set(variant, result);
      return result;
    },
    ofValue: (value, reason) => Object.freeze({ value, reason, flagMetadata }),
    withoutValue: (reason) => Object.freeze({ value: undefined, reason, flagMetadata }),
    failed,
  };
}
