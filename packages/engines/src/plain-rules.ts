import type { FeedPolicy } from "@aibos/contract";

type Condition = FeedPolicy["rules"][number]["when"][number];
export type PlainCondition = Exclude<Condition, { kind: "segment" | "users" }>;

/** A rule in the form that engines know: all conditions of one of the lists must be met, and none names many things. */
export interface PlainRule {
  readonly version: string;
  readonly anyOf: readonly (readonly PlainCondition[])[];
}

/** A rule may become so many lists; beyond, an engine would be told more than it can take. */
const MOST_LISTS = 64;

/**
 * Rules with segments and lists of users taken apart into plain conditions; undefined when one becomes too much.
 *
 * @param userHeader the header that names a user
 */
export function plainRules({ rules, segments }: FeedPolicy, userHeader: string): readonly PlainRule[] | undefined {
  const plain: PlainRule[] = [];
  for (const { when, version } of rules) {
    let lists: PlainCondition[][] = [[]];
    for (const condition of when) {
      const ways = condition.kind === "segment" ? (segments[condition.segment] ?? []) : [condition];
      const alternatives = ways.flatMap((way) => plainOf(way, userHeader));
      lists = lists.flatMap((list) => alternatives.map((one) => [...list, one]));
      if (lists.length > MOST_LISTS) return undefined;
    }
    plain.push({ version, anyOf: lists });
  }
  return plain;
}

function plainOf(condition: Condition, userHeader: string): PlainCondition[] {
  switch (condition.kind) {
    case "users":
      return condition.users.map((user) => ({ kind: "header", name: userHeader, value: user }));
    case "segment":
      return [];
    case "header":
    case "cookie":
    case "path":
    case "percent":
      return [condition];
  }
}
