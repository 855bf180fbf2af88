import type { FlagDefinition, FlagSetting } from "./flag-definition.ts";
import type { FlagReason, FlagResult } from "./flag-result.ts";
import { freezeFlagValue, isSameFlagValue } from "./flag-value.ts";
import { compileRollout } from "./compile-rollout.ts";
import { compileLogic } from "./logic/compile-logic.ts";
import { type LogicFrame, READS_NOTHING, READS_TIME } from "./logic/logic-frame.ts";
import type { LogicScope } from "./logic/logic-scope.ts";
import { textOf } from "./logic/operations.ts";
import type { FlagResults } from "./flag-results.ts";

/** A setting as a question: who gets what, or null when it has nothing to say. */
export interface CompiledSetting {
  readonly reads: number;
  readonly decide: (frame: LogicFrame) => FlagResult | null;
}

/** @throws LogicInvalid for targeting that can't be used */
export function compileSetting(
  setting: FlagSetting,
  definition: FlagDefinition,
  { results, scope }: { results: FlagResults; scope: LogicScope },
): CompiledSetting {
  const parts: CompiledSetting[] = [];
  if (setting.targeting !== undefined) parts.push(compileTargeting(setting.targeting, { definition, results, scope }));
  if (setting.rollout !== undefined) {
    const rollout = compileRollout(definition.key, setting.rollout);
    const result = results.ofVariant(rollout.variant, "SPLIT");
    parts.push({ reads: rollout.reads, decide: (frame) => (rollout.includes(frame) ? result : null) });
  }
  const fixed = fixedResult(setting, definition, results);
  if (fixed !== null) parts.push({ reads: READS_NOTHING, decide: () => fixed });
  return scheduled(setting, firstOf(parts));
}

export function compileTargeting(
  logic: unknown,
  { definition, results, scope }: { definition: FlagDefinition; results: FlagResults; scope: LogicScope },
): CompiledSetting {
  const { run, reads } = compileLogic(logic, scope);
  const resultOf = (name: string): FlagResult => results.ofVariant(name, "TARGETING_MATCH");
  const byName = new Map([...definition.variants.keys()].map((name) => [name, resultOf(name)]));
  const [onTrue, onFalse] = [true, false].map((value) => byName.get(impliedVariant(definition, value) ?? ""));
  return {
    reads,
    decide: (frame) => {
      const chosen = run(frame, undefined);
      if (typeof chosen === "string") return byName.get(chosen) ?? resultOf(chosen);
      if (chosen == null) return null;
      // A boolean flag that names no variants is the commonest.
      return (chosen === true ? onTrue : chosen === false ? onFalse : undefined) ?? resultOf(textOf(chosen));
    },
  };
}

/** A boolean flag that names no variants may be targeted with true and false. */
function impliedVariant(definition: FlagDefinition, chosen: unknown): string | undefined {
  return definition.variantsAreImplied && typeof chosen === "boolean" ? variantOf(definition, chosen) : undefined;
}

/** The variant that has a value. */
export function variantOf(definition: FlagDefinition, value: unknown): string | undefined {
  for (const [name, known] of definition.variants) if (isSameFlagValue(known, value)) return name;
  return undefined;
}

function fixedResult(setting: FlagSetting, definition: FlagDefinition, results: FlagResults): FlagResult | null {
  if (setting.variant !== undefined) return results.ofVariant(setting.variant, "TARGETING_MATCH");
  if (setting.value === undefined) return null;
  const variant = variantOf(definition, setting.value);
  const reason: FlagReason = "TARGETING_MATCH";
  return variant === undefined
    ? results.ofValue(freezeFlagValue(setting.value), reason)
    : results.ofVariant(variant, reason);
}

export function firstOf(parts: readonly CompiledSetting[]): CompiledSetting {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return {
    reads: parts.reduce((all, part) => all | part.reads, READS_NOTHING),
    decide: (frame) => {
      for (const part of parts) {
        const result = part.decide(frame);
        if (result !== null) return result;
      }
      return null;
    },
  };
}

function scheduled({ from, until }: FlagSetting, setting: CompiledSetting): CompiledSetting {
  if (from === undefined && until === undefined) return setting;
  return {
    reads: setting.reads | READS_TIME,
    decide: (frame) => {
      if (from !== undefined && frame.now < from) return null;
      if (until !== undefined && frame.now >= until) return null;
      return setting.decide(frame);
    },
  };
}
