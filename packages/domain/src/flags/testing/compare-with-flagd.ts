import { FlagdCore } from "@openfeature/flagd-core";
import { FlagSet } from "../flag-set.ts";
import { importFlagd } from "../flagd-format.ts";
import { parseFlagDefinitions } from "../parse-flag-definitions.ts";
import { type FlagdCase, flagdCases } from "./flagd-cases.ts";

const KEY = "a-flag";
const SILENT = { error() {}, warn() {}, info() {}, debug() {} };

/** What one evaluation comes to, for comparing. */
export interface Answer {
  readonly value: unknown;
  readonly variant: string | undefined;
  readonly reason: string | undefined;
}

export interface Difference {
  readonly definition: unknown;
  readonly context: unknown;
  readonly flagd: Answer;
  readonly ours: Answer;
}

/** Evaluates random cases with flagd's own evaluator and with ours. */
export function compareWithFlagd(
  seed: number,
  definitions: number,
  contexts = 4,
): { differences: Difference[]; reasons: Map<string, number> } {
  const differences: Difference[] = [];
  const reasons = new Map<string, number>();
  let done = 0;
  for (const one of flagdCases(seed, contexts)) {
    if (done === definitions) break;
    done += 1;
    const flagd = flagdEvaluator(one);
    const ours = ourEvaluator(one);
    for (const context of one.contexts) {
      const theirs = flagd(context);
      const mine = ours(context);
      reasons.set(mine.reason ?? "", (reasons.get(mine.reason ?? "") ?? 0) + 1);
      if (!Object.is(theirs.value, mine.value) || theirs.variant !== mine.variant || theirs.reason !== mine.reason) {
        differences.push({ definition: one.definition, context, flagd: theirs, ours: mine });
      }
    }
  }
  return { differences, reasons };
}

/** The value that a caller falls back to: flagd gives it back for disabled flags and errors, we the default. */
const FALLBACK = "fallback";

function answerOf(value: unknown, variant: string | undefined, reason: string | undefined): Answer {
  return reason === "ERROR" || reason === "DISABLED"
    ? { value: FALLBACK, variant: undefined, reason }
    : { value, variant, reason };
}

function flagdEvaluator({ definition }: FlagdCase): (context: Record<string, unknown>) => Answer {
  // Its interpreter: what its other mode makes of an expression forgets a comparison's first operand at times.
  const core = new FlagdCore(undefined, SILENT, { disableDynamicCodeGeneration: true });
  core.setConfigurations(JSON.stringify({ flags: { [KEY]: definition } }));
  return (context) => {
    const type = typeof Object.values(definition.variants)[0];
    const asked = context as Parameters<FlagdCore["resolveStringEvaluation"]>[2];
    const result =
      type === "boolean"
        ? core.resolveBooleanEvaluation(KEY, false, asked)
        : type === "number"
          ? core.resolveNumberEvaluation(KEY, 0, asked)
          : core.resolveStringEvaluation(KEY, "", asked);
    return answerOf(result.value, result.variant, result.reason);
  };
}

function ourEvaluator({ definition }: FlagdCase): (context: Record<string, unknown>) => Answer {
  const { flags, problems } = importFlagd({ flags: { [KEY]: definition } });
  if (problems.length > 0) throw new Error(`not imported: ${JSON.stringify(problems)} ${JSON.stringify(definition)}`);
  const set = new FlagSet("module", "1.0.0", parseFlagDefinitions(flags).definitions);
  return ({ targetingKey, ...attributes }) => {
    const user = typeof targetingKey === "string" ? targetingKey : undefined;
    const result = set.evaluate(KEY, { tenant: "", user, attributes }, 0);
    return answerOf(result.value, result.variant, result.reason);
  };
}
