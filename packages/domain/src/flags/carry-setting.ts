import type { FlagDefinition, FlagSetting } from "./flag-definition.ts";
import { describeFlagType, type FlagType, type FlagValue, isFlagValueOf } from "./flag-value.ts";
import { shown } from "./parse-setting.ts";

/** What becomes of an override when its tenant moves to another version. */
export type CarriedSetting =
  | { readonly flag: string; readonly setting: FlagSetting; readonly how: "kept" | "renamed" | "converted" }
  | { readonly conflict: string };

/**
 * An override of a flag in another version: under the name that the version has for the flag, its value converted where
 * that loses nothing, or the reason why it can't come along.
 *
 * @param between what the releases on the way declare, oldest first: they may have renamed the flag, too
 * @param valueProblem what a version's JSON Schema has against a value; null for nothing
 */
export function carrySetting(
  from: FlagDefinition,
  setting: FlagSetting,
  {
    to,
    between = [],
    valueProblem,
  }: {
    to: readonly FlagDefinition[];
    between?: readonly (readonly FlagDefinition[])[];
    valueProblem: (flag: FlagDefinition, value: FlagValue) => string | null;
  },
): CarriedSetting {
  const target = to.find(({ key }) => key === nameAlong(from.key, [...between, to]));
  if (target === undefined) return { conflict: `"${from.key}" is not declared by the new version` };
  const missing = namedVariants(setting).find((name) => !target.variants.has(name));
  if (setting.targeting !== undefined && [...from.variants.keys()].some((name) => !target.variants.has(name))) {
    return { conflict: `its targeting may name variants that "${target.key}" does not have` };
  }
  let carried = setting;
  let converted = false;
  if (missing !== undefined) {
    // A variant that is gone still had a value.
    if (setting.variant !== missing) return { conflict: `"${target.key}" has no variant "${missing}"` };
    const { variant: _, ...rest } = setting;
    carried = { ...rest, value: from.variants.get(missing) ?? null };
    converted = true;
  }
  if (carried.value !== undefined) {
    const value = convertValue(carried.value, target.type);
    if (value === undefined) {
      return {
        conflict: `${shown(carried.value)} is not ${describeFlagType(target.type)}, which "${target.key}" takes`,
      };
    }
    const problem = valueProblem(target, value);
    if (problem !== null) return { conflict: `"${target.key}" does not take ${shown(value)}: ${problem}` };
    converted ||= value !== carried.value;
    carried = { ...carried, value };
  }
  const how = converted ? "converted" : target.key === from.key ? "kept" : "renamed";
  return { flag: target.key, setting: carried, how };
}

/** What a flag is called after these releases. One that leaves it out may have been followed by one that has it again. */
function nameAlong(key: string, releases: readonly (readonly FlagDefinition[])[]): string {
  return releases.reduce((name, declared) => {
    if (declared.some((definition) => definition.key === name)) return name;
    return declared.find(({ renamedFrom }) => renamedFrom === name)?.key ?? name;
  }, key);
}

function namedVariants({ variant, rollout }: FlagSetting): string[] {
  return [...(variant === undefined ? [] : [variant]), ...(rollout === undefined ? [] : [rollout.variant])];
}

/** The value as one of another type, where both mean the same; undefined where not. */
export function convertValue(value: FlagValue, type: FlagType): FlagValue | undefined {
  if (isFlagValueOf(type, value)) return value;
  if (type === "string") return typeof value === "boolean" || typeof value === "number" ? String(value) : undefined;
  if (type === "boolean") return value === "true" ? true : value === "false" ? false : undefined;
  if ((type === "integer" || type === "float") && typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value)) {
    const number = Number(value);
    return isFlagValueOf(type, number) && String(number) === value ? number : undefined;
  }
  return undefined;
}
