import type { FlagDefinition, FlagSetting } from "./flag-definition.ts";
import type { FlagProblem } from "./flag-problem.ts";
import { describeFlagType, isFlagValueOf } from "./flag-value.ts";
import { logicProblem } from "./logic-problem.ts";
import { parseRollout, parseTime, TIME } from "./parse-rollout.ts";
import { isRecord, readFields } from "./read-fields.ts";

/** A setting of a flag as it is written, or what is wrong with it. A schema of an object's values is not asked here. */
export function parseSetting(
  source: unknown,
  definition: FlagDefinition,
): { setting?: FlagSetting; problems: FlagProblem[] } {
  const path = [definition.key];
  if (!isRecord(source)) return { problems: [{ path, message: "must be a setting such as { value: true }" }] };
  const fields = readFields(source, path);
  const { type, variants } = definition;
  const value = fields.take("value");
  if (value !== undefined && !isFlagValueOf(type, value)) {
    fields.fail("value", `must be ${describeFlagType(type)}, not ${shown(value)}`);
  }
  const variant = fields.text("variant", 100);
  if (variant !== undefined && !variants.has(variant)) {
    fields.fail("variant", `is no variant of the flag; its variants are ${[...variants.keys()].join(", ")}`);
  }
  if (value !== undefined && variant !== undefined) fields.fail("variant", "and value can't both be given");
  const share = fields.take("rollout");
  const parsed =
    share === undefined
      ? undefined
      : parseRollout(share, variants, { path: [...path, "rollout"], on: onVariant(definition) });
  fields.problems.push(...(parsed?.problems ?? []));
  const targeting = fields.take("targeting");
  if (targeting !== undefined) fields.problems.push(...logicProblem(targeting, [...path, "targeting"]));
  const from = timeField(fields.take("from"), () => fields.fail("from", TIME));
  const until = timeField(fields.take("until"), () => fields.fail("until", TIME));
  if (from !== undefined && until !== undefined && until <= from) fields.fail("until", "must be after from");
  if (value === undefined && variant === undefined && share === undefined && targeting === undefined) {
    fields.fail([], "needs a value, a variant, a rollout or targeting");
  }
  fields.end();
  if (fields.problems.length > 0) return { problems: fields.problems };
  const setting: FlagSetting = {
    ...(value === undefined ? {} : { value: value as NonNullable<FlagSetting["value"]> }),
    ...(variant === undefined ? {} : { variant }),
    ...(parsed?.rollout === undefined ? {} : { rollout: parsed.rollout }),
    ...(targeting === undefined ? {} : { targeting }),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
  };
  return { setting, problems: [] };
}

function timeField(value: unknown, fail: () => void): number | undefined {
  if (value === undefined) return undefined;
  const time = parseTime(value);
  if (time === undefined) fail();
  return time;
}

/** What a value is, short enough for a message. */
export function shown(value: unknown): string {
  return JSON.stringify(value ?? null).slice(0, 100);
}

/** The variant that a rollout gives when it names none: a boolean's true. */
export function onVariant({ type, variants }: Pick<FlagDefinition, "type" | "variants">): string | undefined {
  if (type !== "boolean") return undefined;
  for (const [name, value] of variants) if (value === true) return name;
  return undefined;
}
