import { NOT_A_NUMBER, WRONG_ARGUMENTS } from "./logic-failure.ts";

export type ListOperation = (values: readonly unknown[]) => unknown;

/** Number of a value as JavaScript has it; lists and objects are no numbers. */
export function toNumber(value: unknown): number {
  if (typeof value === "object" && value !== null) throw NOT_A_NUMBER;
  return Number(value);
}

function checked(result: number): number {
  if (Number.isNaN(result)) throw NOT_A_NUMBER;
  return result;
}

function first(values: readonly unknown[]): number {
  if (values.length === 0) throw WRONG_ARGUMENTS;
  return toNumber(values[0]);
}

function divide(values: readonly unknown[]): number {
  let result = first(values);
  if (values.length === 1) {
    if (!result) throw NOT_A_NUMBER;
    return 1 / result;
  }
  for (let index = 1; index < values.length; index += 1) {
    if (!values[index]) throw NOT_A_NUMBER;
    result /= toNumber(values[index]);
  }
  if (result === Infinity) throw NOT_A_NUMBER;
  return checked(result);
}

function subtract(values: readonly unknown[]): number {
  let result = first(values);
  if (values.length === 1) return -result;
  for (let index = 1; index < values.length; index += 1) result -= toNumber(values[index]);
  return checked(result);
}

function remainder(values: readonly unknown[]): number {
  if (values.length < 2) throw WRONG_ARGUMENTS;
  return checked(values.slice(1).reduce<number>((sum, value) => sum % toNumber(value), first(values)));
}

function outermost(values: readonly unknown[], better: (a: number, b: number) => boolean): number {
  let result: number | undefined;
  for (const value of values) {
    if (typeof value !== "number") throw WRONG_ARGUMENTS;
    if (result === undefined || better(value, result)) result = value;
  }
  if (result === undefined) throw WRONG_ARGUMENTS;
  return result;
}

/** Sums and the like; a result that is no number fails, as in JSONLogic's engine of flagd. */
export const ARITHMETIC: Readonly<Record<string, ListOperation>> = {
  "+": (values) => checked(values.reduce<number>((sum, value) => sum + toNumber(value), 0)),
  "*": (values) => checked(values.reduce<number>((product, value) => product * toNumber(value), 1)),
  "-": subtract,
  "/": divide,
  "%": remainder,
  max: (values) => outermost(values, (a, b) => a > b),
  min: (values) => outermost(values, (a, b) => a < b),
};
