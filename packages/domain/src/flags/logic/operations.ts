import { ARITHMETIC, type ListOperation } from "./arithmetic.ts";
import { isInCidr } from "./cidr.ts";
import { COMPARISONS, type Comparison } from "./comparison.ts";
import { compareDates } from "./dates.ts";
import { chooseFraction } from "./fractional.ts";
import { TOO_MUCH_WORK, WRONG_ARGUMENTS } from "./logic-failure.ts";
import { type CompiledLogic, type LogicClosure, type LogicFrame, READS_NOTHING, READS_USER } from "./logic-frame.ts";
import type { LogicScope } from "./logic-scope.ts";
import { compareSemVer } from "./sem-ver.ts";
import { isTruthy } from "./truthy.ts";

export interface Operation {
  /** Evaluates its arguments itself, and not all of them. */
  readonly lazy: boolean;
  /** How many arguments it needs. */
  readonly least: number;
  /** What it depends on beside its arguments. */
  readonly reads: number;
  readonly compile: (
    parts: readonly LogicClosure[],
    scope: LogicScope,
    /** The same parts with what is known of them; not there for one argument without brackets. */
    known?: readonly CompiledLogic[],
  ) => LogicClosure;
  /** With one argument without brackets. */
  readonly apply: (part: LogicClosure, scope: LogicScope) => LogicClosure;
}

const MAX_TEXT = 65_536;
const MAX_LIST = 10_000;

/** Arguments are all evaluated, then used. */
function eager(use: (values: readonly unknown[]) => unknown, least = 0): Operation {
  return {
    lazy: false,
    least,
    reads: READS_NOTHING,
    compile: (parts) => {
      const [a, b] = parts;
      if (a !== undefined && parts.length === 1) return (frame, item) => use([nullish(a(frame, item))]);
      if (a !== undefined && b !== undefined && parts.length === 2) {
        return (frame, item) => use([nullish(a(frame, item)), nullish(b(frame, item))]);
      }
      return (frame, item) => use(parts.map((part) => nullish(part(frame, item))));
    },
    apply: (part) => (frame, item) => use(asArguments(part(frame, item))),
  };
}

function lazy(compile: Operation["compile"], least = 0): Operation {
  return { lazy: true, least, reads: READS_NOTHING, compile, apply: (part, scope) => compile([part], scope) };
}

/** Two arguments without a list between them: the commonest and the fastest. */
function comparison(compare: Comparison, isEquality: boolean): Operation {
  return lazy((parts, _, known) => {
    const [a, b] = parts;
    if (a === undefined || b === undefined) throw WRONG_ARGUMENTS;
    const right = known?.[1]?.constant?.value;
    if (isEquality && parts.length === 2 && typeof right === "string") {
      // Two texts, one of them fixed, are what rules mostly compare.
      return (frame, item) => {
        const left = a(frame, item);
        return typeof left === "string" ? left === right : compare(nullish(left), right);
      };
    }
    if (parts.length === 2) return (frame, item) => compare(nullish(a(frame, item)), nullish(b(frame, item)));
    return (frame, item) => {
      let left = nullish(a(frame, item));
      for (let index = 1; index < parts.length; index += 1) {
        const right = nullish(parts[index]?.(frame, item));
        if (!compare(left, right)) return false;
        left = right;
      }
      return true;
    };
  }, 2);
}

function nullish(value: unknown): unknown {
  return value === undefined ? null : value;
}

function asArguments(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [nullish(value)];
}

function textsOf(values: readonly unknown[]): [string, string] | null {
  const [a, b] = values;
  return values.length === 2 && typeof a === "string" && typeof b === "string" ? [a, b] : null;
}

function includes(item: unknown, list: unknown): boolean {
  if (!list) return false;
  if (typeof list === "string") return list.includes(String(item));
  if (!Array.isArray(list)) throw WRONG_ARGUMENTS;
  return list.includes(item);
}

function isTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.length <= MANY && list.every((one) => typeof one === "string");
}

/** Up to so many texts are looked through one by one faster than in any other way. */
const MANY = 16;

/** What rules mostly ask of an attribute, in one closure. One that is inherited counts as not there. */
function attributeIsOneOf(name: string, list: readonly string[]): LogicClosure {
  return ({ attributes }) => isOneOf(list, attributes[name]) && Object.hasOwn(attributes, name);
}

function isOneOf(list: readonly string[], item: unknown): boolean {
  for (let index = 0; index < list.length; index += 1) if (list[index] === item) return true;
  return false;
}

function concatenate(values: readonly unknown[]): string {
  let text = "";
  for (const value of values) {
    if (value != null) text += textOf(value);
    if (text.length > MAX_TEXT) throw TOO_MUCH_WORK;
  }
  return text;
}

/** As JavaScript writes it: lists with commas between. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((part) => (part == null ? "" : textOf(part))).join(",");
  return typeof value === "object" && value !== null ? "[object Object]" : String(value);
}

function part([text, from, length]: readonly unknown[]): string {
  if (typeof text !== "string") throw WRONG_ARGUMENTS;
  const start = Math.trunc(Number(from ?? 0)) || 0;
  const begin = start < 0 ? Math.max(0, text.length + start) : start;
  if (length === undefined) return text.slice(begin);
  const count = Math.trunc(Number(length)) || 0;
  return count < 0 ? text.slice(begin, Math.max(begin, text.length + count)) : text.slice(begin, begin + count);
}

function merge(values: readonly unknown[]): unknown[] {
  const merged = values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]));
  if (merged.length > MAX_LIST) throw TOO_MUCH_WORK;
  return merged;
}

function choose(parts: readonly LogicClosure[]): LogicClosure {
  const [check, yes, no] = parts;
  if (check === undefined) return () => null;
  if (yes === undefined) return check;
  if (parts.length <= 3) {
    return (frame, item) =>
      isTruthy(check(frame, item)) ? yes(frame, item) : no === undefined ? null : no(frame, item);
  }
  return (frame, item) => {
    for (let index = 0; index + 1 < parts.length; index += 2) {
      if (isTruthy(parts[index]?.(frame, item))) return parts[index + 1]?.(frame, item);
    }
    return parts.length % 2 === 1 ? parts.at(-1)?.(frame, item) : null;
  };
}

/** The first argument whose truth is as wanted, or the last one. */
function firstThatIs(truth: boolean): Operation {
  return lazy((parts) => (frame, item) => {
    let value: unknown = null;
    for (const part of parts) {
      value = part(frame, item);
      if (isTruthy(value) === truth) return value;
    }
    return value;
  });
}

function isMissing(frame: LogicFrame, data: unknown, name: unknown): boolean {
  let value: unknown = data ?? frame.attributes;
  for (const part of String(name).split(".")) {
    if (!value || typeof value !== "object" || !Object.hasOwn(value, part)) return true;
    value = Reflect.get(value, part);
  }
  return value === undefined;
}

function missing(use: (values: readonly unknown[], frame: LogicFrame, item: unknown) => unknown): Operation {
  return {
    lazy: false,
    least: 0,
    reads: READS_USER,
    compile: (parts) => (frame, item) =>
      use(
        parts.map((part) => part(frame, item)),
        frame,
        item,
      ),
    apply: (part) => (frame, item) => use(asArguments(part(frame, item)), frame, item),
  };
}

const listMissing = (names: readonly unknown[], frame: LogicFrame, item: unknown): unknown[] =>
  names.filter((name) => isMissing(frame, item, name));

const fractional: Operation = {
  lazy: false,
  least: 1,
  reads: READS_USER,
  compile: (parts, { flag }) => {
    return (frame, item) =>
      chooseFraction(
        parts.map((part) => nullish(part(frame, item))),
        frame,
        flag,
      );
  },
  apply:
    (part, { flag }) =>
    (frame, item) =>
      chooseFraction(asArguments(part(frame, item)), frame, flag),
};

const fromTable = <T>(
  table: Readonly<Record<string, T>>,
  make: (entry: T, name: string) => Operation,
): Record<string, Operation> =>
  Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, make(entry, name)]));

/** All operations but `var`, `segment` and those with a body for each element of a list. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...fromTable(ARITHMETIC, (use: ListOperation) => eager(use)),
  ...fromTable(COMPARISONS, (compare, name) => comparison(compare, name === "==" || name === "===")),
  if: lazy(choose),
  "?:": lazy(choose),
  and: firstThatIs(false),
  or: firstThatIs(true),
  "!": eager((values) => !isTruthy(values[0])),
  "!!": eager((values) => isTruthy(values[0])),
  in: {
    ...eager(([item, list]) => includes(item, list)),
    compile: ([a, b], _, known) => {
      const list = known?.[1]?.constant?.value;
      const attribute = known?.[0]?.attribute;
      if (attribute !== undefined && isTexts(list)) return attributeIsOneOf(attribute, list);
      if (a !== undefined && isTexts(list)) return (frame, item) => isOneOf(list, a(frame, item));
      return (frame, item) => includes(nullish(a?.(frame, item)), nullish(b?.(frame, item)));
    },
  },
  cat: eager(concatenate),
  substr: eager(part),
  merge: eager(merge),
  missing: missing(listMissing),
  missing_some: missing(([need, names], frame, item) => {
    if (!Array.isArray(names)) throw WRONG_ARGUMENTS;
    const gone = listMissing(names, frame, item);
    return names.length - gone.length >= Number(need) ? [] : gone;
  }),
  starts_with: eager((values) => {
    const texts = textsOf(values);
    return texts === null ? null : texts[0].startsWith(texts[1]);
  }),
  ends_with: eager((values) => {
    const texts = textsOf(values);
    return texts === null ? null : texts[0].endsWith(texts[1]);
  }),
  sem_ver: eager(compareSemVer),
  in_cidr: eager(isInCidr),
  date_before: eager((values) => compareDates(values, (a, b) => a < b)),
  date_after: eager((values) => compareDates(values, (a, b) => a > b)),
  fractional,
};
