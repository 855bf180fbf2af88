import type { FlagProblem } from "./flag-problem.ts";
import { murmurState } from "./murmur3.ts";
import { compileLogic } from "./logic/compile-logic.ts";
import { LogicInvalid } from "./logic/logic-scope.ts";

/** What keeps an expression from being compiled: one problem, or none. */
export function logicProblem(logic: unknown, path: readonly (string | number)[]): FlagProblem[] {
  try {
    compileLogic(logic, { flag: murmurState(""), flagKey: "", segment: () => undefined, inList: false });
    return [];
  } catch (error) {
    if (!(error instanceof LogicInvalid)) throw error;
    const inside = error.problem.path === "" ? [] : error.problem.path.split(".");
    return [{ path: [...path, ...inside], message: error.problem.message }];
  }
}
