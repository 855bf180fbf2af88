import { murmurState } from "../flags/murmur3.ts";
import { compileLogic } from "../flags/logic/compile-logic.ts";
import { LogicFailure } from "../flags/logic/logic-failure.ts";
import { MAX_STEPS } from "../flags/logic/logic-frame.ts";
import type { JsonValue } from "./json-value.ts";

/** What an expression can see. */
export interface ExpressionFacts {
  readonly tenant: string;
  readonly module: string;
  readonly version: string;
  /** Its fields are variables by their names. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What came of it; a failure is a tenant's mistake, such as a sum of texts, and never thrown. */
export type ExpressionResult = { readonly result: JsonValue } | { readonly failure: string };

/** A tenant's expression, ready to be evaluated often. */
export type CompiledExpression = (facts: ExpressionFacts) => ExpressionResult;

/** Bigger results are nobody's intention. */
const MOST_CHARACTERS = 64 * 1024;

/**
 * Compiles a tenant's JSONLogic to closures, as flags' targeting is: nothing of it is run as program text, it reaches nothing
 * but the payload, `tenant.id`, `module` and `version`, and it looks at a bounded number of elements.
 *
 * @throws LogicInvalid for what `logicProblem` finds fault with
 */
export function compileExpression(logic: unknown): CompiledExpression {
  const scope = { flag: murmurState(""), flagKey: "", segment: () => undefined, inList: false };
  const { run } = compileLogic(logic, scope);
  return ({ tenant, module, version, payload, now }) => {
    const frame = {
      tenant: { id: tenant, labels: {} },
      module,
      version,
      user: undefined,
      attributes: payload,
      now,
      steps: MAX_STEPS,
      met: undefined,
    };
    try {
      const text = JSON.stringify(run(frame, undefined) ?? null);
      if (text.length > MOST_CHARACTERS) return { failure: `its result has more than ${MOST_CHARACTERS} characters` };
      return { result: JSON.parse(text) as JsonValue };
    } catch (error) {
      if (!(error instanceof LogicFailure)) throw error;
      return { failure: error.message };
    }
  };
}
