import type { CompiledFlag } from "./compiled-flag.ts";
import type { CompiledSetting } from "./compile-setting.ts";
import type { FlagExplanationStep, FlagResult } from "./flag-result.ts";
import type { FlagValue } from "./flag-value.ts";
import {
  MAX_STEPS,
  type LogicFrame,
  READS_NOTHING,
  READS_TENANT,
  READS_TIME,
  READS_USER,
} from "./logic/logic-frame.ts";
import { LogicFailure } from "./logic/logic-failure.ts";
import { isTruthy } from "./logic/truthy.ts";

/** Gets each rule that is looked at, when somebody wants to know. */
export type FlagTrace = (step: FlagExplanationStep) => void;

/**
 * What a flag is for the one whom the frame names. Never throws for what is in the context; the one evaluator, also of
 * `explain`.
 */
export function evaluateFlag(flag: CompiledFlag, index: number, frame: LogicFrame, trace?: FlagTrace): FlagResult {
  try {
    frame.steps = MAX_STEPS;
    return decide(flag, index, frame, trace);
  } catch (error) {
    return failedBy(flag, error, trace);
  }
}

/** The same for a flag that is plain, and a tenant without overrides of it: the rules that there are, without a look at others. */
export function evaluatePlainFlag(flag: CompiledFlag, frame: LogicFrame): FlagResult {
  if (flag.base === null) return flag.standard;
  try {
    frame.steps = MAX_STEPS;
    return flag.base.decide(frame) ?? flag.standard;
  } catch (error) {
    return failedBy(flag, error, undefined);
  }
}

function failedBy(flag: CompiledFlag, error: unknown, trace: FlagTrace | undefined): FlagResult {
  const why = error instanceof LogicFailure ? error.message : "an operation can't use its arguments";
  trace?.({ rule: "evaluation", outcome: "failed", detail: why });
  return flag.results.failed(`Evaluating flag "${flag.definition.key}" failed: ${why}.`);
}

/** Whether a tenant, or a user of it, has a value of its own. */
export function hasOverrides({ tenantSettings, userSettings }: CompiledFlag, index: number): boolean {
  return tenantSettings.has(index) || userSettings.has(index);
}

function decide(flag: CompiledFlag, index: number, frame: LogicFrame, trace: FlagTrace | undefined): FlagResult {
  const { definition } = flag;
  if (flag.killed) {
    trace?.({ rule: "kill switch", outcome: "decided", detail: `killed: ${definition.offVariant} for everybody` });
    return flag.killedResult;
  }
  if (!definition.enabled) {
    trace?.({ rule: "state", outcome: "decided", detail: "the definition is disabled" });
    return flag.disabled;
  }
  if (!arePrerequisitesMet(flag, index, frame, trace)) return flag.prerequisiteFailed;

  const hasUsers = frame.user !== undefined && flag.userSettings.size > 0;
  const byUser = hasUsers ? flag.userSettings.get(index)?.get(frame.user ?? "") : undefined;
  const chosen =
    ask("user", byUser, frame, trace) ??
    ask("tenant", flag.tenantSettings.get(index), frame, trace) ??
    askSegments(flag, frame, trace) ??
    ask("module", flag.moduleSetting, frame, trace) ??
    ask("definition", flag.base, frame, trace);
  if (chosen !== null) return chosen;
  trace?.({ rule: "default", outcome: "decided", detail: `the version's default is ${definition.defaultVariant}` });
  return flag.standard.reason === "STATIC" && isUntouched(flag, index) ? flag.standard : asDefault(flag);
}

function isUntouched(flag: CompiledFlag, index: number): boolean {
  return (
    flag.prerequisites.length === 0 &&
    flag.moduleSetting === null &&
    flag.segmentSettings.length === 0 &&
    !flag.tenantSettings.has(index) &&
    !flag.userSettings.has(index)
  );
}

function asDefault(flag: CompiledFlag): FlagResult {
  return flag.results.ofVariant(flag.definition.defaultVariant, "DEFAULT");
}

function arePrerequisitesMet(flag: CompiledFlag, index: number, frame: LogicFrame, trace?: FlagTrace): boolean {
  for (const { flag: needed, variant } of flag.prerequisites) {
    const result = decide(needed, index, frame, undefined);
    const isMet = result.variant === variant;
    const rule = `prerequisite ${needed.definition.key}`;
    const detail = `is ${result.variant ?? JSON.stringify(result.value)}, must be ${variant}`;
    trace?.({ rule, outcome: isMet ? "passed" : "decided", detail });
    if (!isMet) return false;
  }
  return true;
}

function ask(
  rule: string,
  setting: CompiledSetting | null | undefined,
  frame: LogicFrame,
  trace: FlagTrace | undefined,
): FlagResult | null {
  if (setting == null) {
    trace?.({ rule, outcome: "passed", detail: "nothing is set" });
    return null;
  }
  const result = setting.decide(frame);
  trace?.(
    result === null
      ? { rule, outcome: "passed", detail: "is set, and says nothing for this context now" }
      : { rule, outcome: "decided", detail: describe(result) },
  );
  return result;
}

function askSegments(flag: CompiledFlag, frame: LogicFrame, trace: FlagTrace | undefined): FlagResult | null {
  for (const { segment, matches, setting } of flag.segmentSettings) {
    const rule = `segment ${segment}`;
    if (matches === undefined || !isTruthy(matches.run(frame, undefined))) {
      trace?.({ rule, outcome: "passed", detail: matches === undefined ? "is not defined" : "is not in it" });
      continue;
    }
    const result = ask(rule, setting, frame, trace);
    if (result !== null) return result;
  }
  return null;
}

function describe({ variant, value, reason, errorMessage }: FlagResult): string {
  return errorMessage ?? `${reason}: ${variant ?? shorten(value)}`;
}

function shorten(value: FlagValue | undefined): string {
  return JSON.stringify(value ?? null).slice(0, 200);
}

/** What this flag's result depends on for one tenant: a sum of the READS_ constants. */
export function readsOf(flag: CompiledFlag, index: number, frame: LogicFrame): number {
  if (flag.killed || !flag.definition.enabled) return READS_NOTHING;
  let reads = READS_TENANT;
  for (const { flag: needed } of flag.prerequisites) reads |= readsOf(needed, index, frame);
  // The commonest first: nobody overrode a rule that asks for users.
  if (flag.tenantSettings.size === 0) {
    return flag.userSettings.has(index) ? reads | READS_USER : reads | flag.readsBelow;
  }
  if (flag.userSettings.has(index)) return reads | READS_USER;
  const own = flag.tenantSettings.get(index);
  // A fixed override always decides: what is below it does not matter.
  if (own?.reads === READS_NOTHING && own.decide(frame) !== null) return reads;
  return reads | (own?.reads ?? 0) | flag.readsBelow;
}

/** Whether a result with these dependencies stays the same until something is changed. */
export function isTenantsAlone(reads: number): boolean {
  return (reads & (READS_USER | READS_TIME)) === 0;
}
