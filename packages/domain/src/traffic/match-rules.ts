import { SLOTS } from "./traffic-split.ts";

/** What a rule asks about a request. Texts are compared exactly as they were sent. */
export type RuleCondition =
  /** The request has this header and, where a value is given, exactly that value. Names are lower-case. */
  | { readonly kind: "header"; readonly name: string; readonly value?: string | undefined }
  | { readonly kind: "cookie"; readonly name: string; readonly value?: string | undefined }
  /** The module's path, without its query, is the prefix or goes on below it: `/a` takes `/a/b` and not `/ab`. */
  | { readonly kind: "path"; readonly prefix: string }
  | { readonly kind: "users"; readonly users: readonly string[] }
  /** A share of the tenant's users, in percent: those in the lowest slots, whom a rising weight reaches first too. */
  | { readonly kind: "percent"; readonly percent: number }
  | { readonly kind: "segment"; readonly segment: string };

/** Requests that meet all conditions get the version. */
export interface MatchRule {
  readonly when: readonly RuleCondition[];
  readonly version: string;
}

/** Named groups of requests: a request belongs to one that has a condition which it meets. */
export type Segments = Readonly<Record<string, readonly RuleCondition[]>>;

/** What rules look at. */
export interface RequestFacts {
  readonly userKey: string;
  /** The user's slot, from 0 to 9,999. */
  readonly slot: number;
  /** Path and query as the module gets them. */
  readonly path: string;
  header(name: string): string | undefined;
  cookie(name: string): string | undefined;
}

/** The version of the first rule that the request meets and whose version serves; undefined: the weights decide. */
export type CompiledRules = (facts: RequestFacts, serves: (version: string) => boolean) => string | undefined;

type Test = (facts: RequestFacts) => boolean;

/** Makes rules ready, once for each change of them. A segment that is not defined has nobody in it. */
export function compileRules(rules: readonly MatchRule[], segments: Segments): CompiledRules {
  const groups = new Map(
    Object.entries(segments).map(([name, conditions]) => {
      const tests = conditions.map((condition) => compileCondition(condition, new Map()));
      return [name, (facts: RequestFacts) => tests.some((test) => test(facts))] as const;
    }),
  );
  const compiled = rules.map(({ when, version }) => ({
    version,
    tests: when.map((condition) => compileCondition(condition, groups)),
  }));
  return (facts, serves) =>
    compiled.find(({ version, tests }) => serves(version) && tests.every((test) => test(facts)))?.version;
}

function compileCondition(condition: RuleCondition, groups: ReadonlyMap<string, Test>): Test {
  switch (condition.kind) {
    case "header": {
      const { name, value } = condition;
      return (facts) => isAsked(facts.header(name), value);
    }
    case "cookie": {
      const { name, value } = condition;
      return (facts) => isAsked(facts.cookie(name), value);
    }
    case "path": {
      const { prefix } = condition;
      return (facts) => isBelow(facts.path, prefix);
    }
    case "users": {
      const users = new Set(condition.users);
      return (facts) => users.has(facts.userKey);
    }
    case "percent": {
      const end = (condition.percent * SLOTS) / 100;
      return (facts) => facts.slot < end;
    }
    case "segment":
      return groups.get(condition.segment) ?? (() => false);
  }
}

function isAsked(found: string | undefined, value: string | undefined): boolean {
  return found !== undefined && (value === undefined || found === value);
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  const next = path[prefix.length];
  return prefix.endsWith("/") || next === undefined || next === "/" || next === "?";
}
