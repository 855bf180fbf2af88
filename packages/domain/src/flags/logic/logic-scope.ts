import type { MurmurState } from "../murmur3.ts";
import type { LogicProblem } from "./check-logic.ts";
import type { CompiledLogic } from "./logic-frame.ts";

/** What an expression may refer to. */
export interface LogicScope {
  /** Murmur state after the flag's key, for `fractional`. */
  readonly flag: MurmurState;
  readonly flagKey: string;
  /** The compiled segment of a name; undefined for an unknown one, which nobody is in. */
  readonly segment: (name: string) => CompiledLogic | undefined;
  /** In a list operation's body: `var` means the element. */
  readonly inList: boolean;
}

/** An expression can't be used. Its problems are told to who wrote it. */
export class LogicInvalid extends Error {
  readonly problem: LogicProblem;

  constructor(problem: LogicProblem) {
    super(problem.path === "" ? problem.message : `${problem.path} ${problem.message}`);
    this.problem = problem;
  }
}

export function invalid(path: string, message: string): LogicInvalid {
  return new LogicInvalid({ path, message });
}
