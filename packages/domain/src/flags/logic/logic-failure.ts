/** Evaluating JSONLogic failed, as for text in a sum. Never leaves the evaluator: the result says ERROR. */
export class LogicFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LogicFailure";
  }
}

export const NOT_A_NUMBER = new LogicFailure("a number was expected");
export const WRONG_ARGUMENTS = new LogicFailure("an operation has arguments that it can't use");
export const TOO_MUCH_WORK = new LogicFailure("the rule needs too much work for this context");
