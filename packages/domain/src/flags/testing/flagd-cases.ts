import type { FlagValue } from "../flag-value.ts";

/** One flag as flagd reads it, and contexts to evaluate it for. */
export interface FlagdCase {
  readonly definition: {
    readonly state: "ENABLED" | "DISABLED";
    readonly variants: Record<string, FlagValue>;
    readonly defaultVariant: string;
    readonly targeting?: unknown;
  };
  readonly contexts: readonly Record<string, unknown>[];
}

type Random = () => number;

/**
 * Random definitions and contexts over what flagd and this project both have: not where flagd's two modes differ from
 * each other (`cat` of one missing value, `!` of one list whose first element is false).
 *
 * The same seed gives the same cases.
 */
export function* flagdCases(seed: number, contexts: number): Generator<FlagdCase> {
  const random = mulberry32(seed);
  for (;;) {
    const type = pick(random, ["boolean", "string", "number"] as const);
    const variants = VARIANTS[type];
    const names = Object.keys(variants);
    yield {
      definition: {
        state: chance(random, 0.03) ? "DISABLED" : "ENABLED",
        variants,
        defaultVariant: pick(random, names),
        ...(chance(random, 0.95) ? { targeting: ruleOf(random, names, 3) } : {}),
      },
      contexts: Array.from({ length: contexts }, () => contextOf(random)),
    };
  }
}

const VARIANTS: Record<"boolean" | "string" | "number", Record<string, FlagValue>> = {
  boolean: { on: true, off: false, true: true, false: false },
  string: { red: "red", green: "green", blue: "blue" },
  number: { one: 1, two: 2.5, "3": 3 },
};

/** Mulberry32. Algorithm: Tommy Ettinger. */
function mulberry32(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

function chance(random: Random, share: number): boolean {
  return random() < share;
}

function times<T>(random: Random, least: number, most: number, make: () => T): T[] {
  return Array.from({ length: least + Math.floor(random() * (most - least + 1)) }, make);
}

/** An operation whose result names a variant, most of the time. */
function ruleOf(random: Random, variants: readonly string[], depth: number): unknown {
  const variant = (): unknown =>
    chance(random, 0.08) ? pick<unknown>(random, [null, "no-such-variant", true, false, 3]) : pick(random, variants);
  const rule = random();
  if (depth === 0 || rule < 0.3) return { if: [truthOf(random, depth), variant(), variant()] };
  if (rule < 0.6) {
    const inner = (): unknown => (chance(random, 0.5) ? ruleOf(random, variants, depth - 1) : variant());
    const checks = times(random, 1, 3, () => [truthOf(random, depth), inner()]).flat();
    return { if: chance(random, 0.7) ? [...checks, inner()] : checks };
  }
  if (rule < 0.85) return fractionOf(random, variant);
  if (rule < 0.92) return truthOf(random, depth);
  return { or: [{ and: [truthOf(random, depth), variant()] }, variant()] };
}

function fractionOf(random: Random, variant: () => unknown): unknown {
  const by = random();
  const buckets = times(random, 1, 5, () =>
    chance(random, 0.15) ? [variant()] : [variant(), pick<unknown>(random, [0, 1, 10, 25, 50, 100, -5, 100_000])],
  );
  if (by < 0.4) return { fractional: buckets };
  if (by < 0.7) return { fractional: [{ var: pick(random, TEXT_NAMES) }, ...buckets] };
  return { fractional: [{ cat: [{ var: "$flagd.flagKey" }, { var: pick(random, TEXT_NAMES) }] }, ...buckets] };
}

const TEXT_NAMES = ["email", "country", "missing_name", "profile.role"];
const NUMBER_NAMES = ["age", "score", "nothing"];
const ANY_NAMES = [...TEXT_NAMES, ...NUMBER_NAMES, "beta", "profile", "groups", "groups.0", "scores", "targetingKey"];
const TEXTS = ["a@example.com", "b@test.org", "DE", "CH", "", "admin", "1.2.3", "v2.0.0", "10", "0", "x", "1.10"];

function variable(random: Random, names: readonly string[], defaults: readonly unknown[]): unknown {
  const name = pick(random, names);
  return chance(random, 0.25) ? { var: [name, pick(random, defaults)] } : { var: name };
}

function textOf(random: Random, depth: number): unknown {
  const kind = random();
  if (kind < 0.4) return pick(random, TEXTS);
  if (kind < 0.8 || depth === 0) return variable(random, TEXT_NAMES, ["fallback", ""]);
  if (kind < 0.9) return { cat: times(random, 2, 3, () => anyOf(random, depth - 1)) };
  const from = pick(random, [0, 1, 3, -2, -5]);
  const to = pick(random, [0, 1, 4, -1, -3]);
  return { substr: chance(random, 0.5) ? [textOf(random, depth - 1), from] : [textOf(random, depth - 1), from, to] };
}

function numberOf(random: Random, depth: number): unknown {
  const kind = random();
  if (kind < 0.4) return pick(random, [0, 1, -1, 2.5, 18, 100, 1e9]);
  if (kind < 0.75 || depth === 0) return variable(random, NUMBER_NAMES, [0, 7]);
  const operation = pick(random, ["+", "-", "*", "/", "%", "max", "min"]);
  if (kind < 0.95)
    return {
      [operation]: [variable(random, NUMBER_NAMES, [0, 7]), ...times(random, 1, 2, () => numberOf(random, depth - 1))],
    };
  const sum = { "+": [{ var: "accumulator" }, { var: "current" }] };
  return { reduce: [{ var: "scores" }, sum, pick(random, [0, 5])] };
}

function anyOf(random: Random, depth: number): unknown {
  const kind = random();
  if (kind < 0.3) return textOf(random, depth);
  if (kind < 0.6) return numberOf(random, depth);
  if (kind < 0.8) return pick<unknown>(random, [true, false, null, ...TEXTS]);
  return variable(random, ANY_NAMES, [null, 1, "z"]);
}

function truthOf(random: Random, depth: number): unknown {
  const operation = pick(random, TRUTHS);
  return operation(random, Math.max(0, depth - 1));
}

type Make = (random: Random, depth: number) => unknown;

const compare =
  (names: readonly string[], of: Make): Make =>
  (random, depth) => {
    const [a, b] = [of(random, depth), of(random, depth)];
    // Two constants that can't be compared fail in flagd whether or not anybody asks for them.
    const isConstant = [a, b].every((part) => typeof part !== "object" || part === null);
    return { [pick(random, names)]: [isConstant ? variable(random, ANY_NAMES, [null, 1]) : a, b] };
  };

const TRUTHS: readonly Make[] = [
  compare(["==", "!=", "===", "!=="], anyOf),
  compare(["==", "!=", "===", "!==", "<", "<=", ">", ">="], textOf),
  compare(["==", "!=", "<", "<=", ">", ">="], numberOf),
  (random, depth) => ({ [pick(random, ["<", "<="])]: [0, numberOf(random, depth), pick(random, [10, 100])] }),
  (random, depth) => ({ [pick(random, ["and", "or"])]: times(random, 1, 3, () => truthOrAny(random, depth)) }),
  (random, depth) => ({ [pick(random, ["!", "!!"])]: [truthOrAny(random, depth)] }),
  (random) => ({ "!": { var: pick(random, TEXT_NAMES) } }),
  (random, depth) => ({ in: [textOf(random, depth), times(random, 0, 4, () => pick(random, TEXTS))] }),
  (random, depth) => ({ in: [textOf(random, depth), textOf(random, depth)] }),
  (random, depth) => ({ in: [anyOf(random, depth), { var: "groups" }] }),
  (random, depth) => ({ [pick(random, ["starts_with", "ends_with"])]: [anyOf(random, depth), anyOf(random, depth)] }),
  (random, depth) => ({
    sem_ver: [
      textOf(random, depth),
      pick(random, ["=", "!=", "<", "<=", ">", ">=", "^", "~", "?"]),
      pick(random, SEM_VERS),
    ],
  }),
  (random) => ({
    [pick(random, ["some", "all", "none"])]: [{ var: "groups" }, { "==": [{ var: "" }, pick(random, TEXTS)] }],
  }),
  (random) => ({ "!!": [{ filter: [{ var: "scores" }, { ">": [{ var: "" }, pick(random, [0, 3, 50])] }] }] }),
  (random) => ({ in: [pick(random, [2, 4, 11]), { map: [{ var: "scores" }, { "+": [{ var: "" }, 1] }] }] }),
  (random) => ({ missing: times(random, 1, 3, () => pick(random, ["email", "age", "nothing", "profile.role"])) }),
  (random) => ({ missing_some: [1, times(random, 1, 3, () => pick(random, ["email", "age", "nothing"]))] }),
  (random) => ({ in: [pick(random, TEXTS), { merge: [{ var: "groups" }, ["x"], pick(random, TEXTS)] }] }),
];

function truthOrAny(random: Random, depth: number): unknown {
  return depth > 0 && chance(random, 0.7) ? truthOf(random, depth) : anyOf(random, depth);
}

const SEM_VERS = ["1.2.3", "1.2", "v2.0.0", "2.0.0-rc.1", "not a version", "1"];

function contextOf(random: Random): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  const give = (share: number, name: string, values: readonly unknown[]): void => {
    if (chance(random, share)) context[name] = pick(random, values);
  };
  if (chance(random, 0.9)) context["targetingKey"] = `user-${Math.floor(random() * 1e6)}`;
  give(0.8, "email", TEXTS);
  give(0.8, "country", TEXTS);
  give(0.8, "age", [0, 17, 18, 42.5, -3]);
  give(0.7, "score", [0, 1, 99, 100, "12", "abc", null, true]);
  give(0.5, "beta", [true, false]);
  give(0.6, "profile", [{ role: "admin" }, { role: "" }, {}, { role: null }]);
  give(0.8, "groups", [[], ["admin"], ["x", "DE", "10"], ["a@example.com", ""]]);
  give(0.8, "scores", [[], [1], [1, 3, 10], [50.5, -2]]);
  return context;
}
