import { InvalidRequestError } from "@aibos/contract";
import type { z } from "zod";

type Issue = InvalidRequestError["issues"][number];

/** Enough to mend a request by; a hostile one could have a million. */
const MAX_ISSUES = 20;
const MAX_MESSAGE = 300;

/** Validates one part of a request. @throws InvalidRequestError with the paths of what is wrong */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const unusable = findUnusable(value);
  if (unusable.length > 0) throw new InvalidRequestError(unusable);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidRequestError(
    result.error.issues
      .slice(0, MAX_ISSUES)
      .map((issue) => ({ path: issue.path.join("."), message: issue.message.slice(0, MAX_MESSAGE) })),
  );
}

/** Reads a query string; a field that is given twice is refused, since only one of the two could count. */
export function readQuery(url: string): Record<string, string> {
  const { searchParams } = new URL(url);
  for (const name of new Set(searchParams.keys())) {
    if (searchParams.getAll(name).length > 1) {
      throw new InvalidRequestError([{ path: name.slice(0, MAX_MESSAGE), message: "is given more than once" }]);
    }
  }
  return Object.fromEntries(searchParams);
}

/**
 * Finds what JSON allows and the database can't store (U+0000, half of a surrogate pair), and the key "__proto__",
 * which validation would drop without a word. With a stack of its own: a body may be nested 500,000 deep.
 */
function findUnusable(value: unknown): Issue[] {
  const issues: Issue[] = [];
  const left: [path: string, value: unknown][] = [["", value]];
  for (let next = left.pop(); next !== undefined && issues.length < MAX_ISSUES; next = left.pop()) {
    const [path, item] = next;
    if (typeof item === "string" && !isStorable(item)) {
      issues.push({ path, message: "holds a character that can't be stored (U+0000 or half of a surrogate pair)" });
    }
    if (typeof item !== "object" || item === null) continue;
    for (const [name, child] of Object.entries(item)) {
      const childPath = `${path}${path === "" ? "" : "."}${name}`.slice(0, MAX_MESSAGE);
      if (name === "__proto__" || !isStorable(name)) issues.push({ path, message: "has a name that is not allowed" });
      else left.push([childPath, child]);
    }
  }
  return issues;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
