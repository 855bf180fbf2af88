import type { FlagProblem } from "./flag-problem.ts";

/** Reads the fields of an object that somebody wrote, and collects what is wrong with it. */
export interface FieldReader {
  readonly problems: FlagProblem[];
  /** A field's value, marked as known. */
  take(name: string): unknown;
  text(name: string, longest: number): string | undefined;
  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined;
  fail(name: string | readonly (string | number)[], message: string): void;
  /** Complains of fields that nobody took. */
  end(): void;
}

export const UNUSABLE_NAMES: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readFields(source: Readonly<Record<string, unknown>>, at: readonly (string | number)[]): FieldReader {
  const problems: FlagProblem[] = [];
  const known = new Set<string>();
  const fail: FieldReader["fail"] = (name, message) => {
    problems.push({ path: [...at, ...(typeof name === "string" ? [name] : name)], message });
  };
  const take = (name: string): unknown => {
    known.add(name);
    return Object.hasOwn(source, name) ? source[name] : undefined;
  };

  return {
    problems,
    take,
    fail,
    text(name, longest) {
      const value = take(name);
      if (value === undefined) return undefined;
      if (typeof value === "string" && value.length > 0 && value.length <= longest) return value;
      fail(name, `must be a text of 1 to ${longest} characters`);
      return undefined;
    },
    oneOf(name, values) {
      const value = take(name);
      if (value === undefined) return undefined;
      const found = values.find((allowed) => allowed === value);
      if (found === undefined) fail(name, `must be one of ${values.join(", ")}`);
      return found;
    },
    end() {
      for (const name of Object.keys(source)) {
        if (!known.has(name)) fail(name, `is not a known field; known are ${[...known].sort().join(", ")}`);
      }
    },
  };
}
