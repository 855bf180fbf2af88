import { NOT_A_NUMBER } from "./logic-failure.ts";
import { toNumber } from "./arithmetic.ts";

export type Comparison = (a: unknown, b: unknown) => boolean;

type Loose = string | number | null;

/** Two texts, or a text and nothing, compare as they are; anything else as numbers, and what is no number fails. */
function loosely(compare: (a: Loose, b: Loose) => boolean): Comparison {
  return (a, b) => {
    if ((typeof a === "string" || a === null) && (typeof b === "string" || b === null)) return compare(a, b);
    const left = toNumber(a);
    const right = toNumber(b);
    if (Number.isNaN(left) || (Number.isNaN(right) && a !== null)) throw NOT_A_NUMBER;
    return compare(left, right);
  };
}

// null orders as 0 beside a text, which is then read as a number.
const numberOf = (value: Loose): number => Number(value);
const bothTexts = (a: Loose, b: Loose): boolean => typeof a === "string" && typeof b === "string";

export const COMPARISONS: Readonly<Record<string, Comparison>> = {
  "==": loosely((a, b) => a === b),
  "!=": loosely((a, b) => a !== b),
  "===": (a, b) => a === b,
  "!==": (a, b) => a !== b,
  "<": loosely((a, b) => (bothTexts(a, b) ? String(a) < String(b) : numberOf(a) < numberOf(b))),
  "<=": loosely((a, b) => (bothTexts(a, b) ? String(a) <= String(b) : numberOf(a) <= numberOf(b))),
  ">": loosely((a, b) => (bothTexts(a, b) ? String(a) > String(b) : numberOf(a) > numberOf(b))),
  ">=": loosely((a, b) => (bothTexts(a, b) ? String(a) >= String(b) : numberOf(a) >= numberOf(b))),
};
