import type { FlagDefinition } from "./flag-definition.ts";
import type { FlagProblem } from "./flag-problem.ts";
import { flagTypeOf, type FlagValue } from "./flag-value.ts";
import { parseFlagDefinitions } from "./parse-flag-definitions.ts";
import { isRecord } from "./read-fields.ts";

/**
 * flagd's flag definitions (https://flagd.dev/schema/v0/flags.json) as the flags of a manifest. Named parts
 * (`$evaluators`) are put in where `$ref` names them.
 */
export function importFlagd(source: unknown): { flags: Record<string, unknown>; problems: FlagProblem[] } {
  if (!isRecord(source) || !isRecord(source["flags"])) {
    return { flags: {}, problems: [{ path: ["flags"], message: "must be flagd's mapping of flags" }] };
  }
  const evaluators = isRecord(source["$evaluators"]) ? source["$evaluators"] : {};
  const flags: Record<string, unknown> = {};
  const problems: FlagProblem[] = [];
  for (const [key, flag] of Object.entries(source["flags"])) {
    const path = ["flags", key];
    if (!isRecord(flag) || !isRecord(flag["variants"])) problems.push({ path, message: "needs variants" });
    else {
      const type = flagTypeOf(Object.values(flag["variants"]));
      if (type === undefined) problems.push({ path, message: "has variants of several types" });
      flags[key] = {
        type,
        variants: flag["variants"],
        defaultVariant: flag["defaultVariant"],
        state: flag["state"],
        ...targetingOf(flag["targeting"], evaluators),
      };
    }
  }
  if (problems.length > 0) return { flags: {}, problems };
  return { flags, problems: parseFlagDefinitions(flags).problems };
}

function targetingOf(targeting: unknown, evaluators: Readonly<Record<string, unknown>>): { targeting?: unknown } {
  if (!isRecord(targeting) || Object.keys(targeting).length === 0) return {};
  return { targeting: resolve(targeting, evaluators, 0) };
}

const MAX_DEPTH = 60;

function resolve(node: unknown, evaluators: Readonly<Record<string, unknown>>, depth: number): unknown {
  // Deeper than any expression may be: the bounds are told where it is compiled.
  if (typeof node !== "object" || node === null || depth > MAX_DEPTH) return node;
  if (Array.isArray(node)) return node.map((part) => resolve(part, evaluators, depth + 1));
  const name: unknown = Reflect.get(node, "$ref");
  if (typeof name === "string" && Object.hasOwn(evaluators, name)) return evaluators[name];
  return Object.fromEntries(Object.entries(node).map(([key, part]) => [key, resolve(part, evaluators, depth + 1)]));
}

/** Flags as flagd reads them. A rollout becomes `fractional`; what flagd has no words for is told in `left`. */
export function exportFlagd(definitions: readonly FlagDefinition[]): {
  document: { $schema: string; flags: Record<string, unknown> };
  left: FlagProblem[];
} {
  const left: FlagProblem[] = [];
  const flags: Record<string, unknown> = {};
  for (const definition of definitions) {
    const { key, variants, defaultVariant, enabled, description, owner, kind } = definition;
    if (definition.prerequisites.length > 0) left.push({ path: [key, "prerequisites"], message: "flagd has none" });
    flags[key] = {
      state: enabled ? "ENABLED" : "DISABLED",
      variants: Object.fromEntries(variants),
      defaultVariant,
      ...exportTargeting(definition, left),
      metadata: {
        kind,
        ...(description === undefined ? {} : { description }),
        ...(owner === undefined ? {} : { owner }),
      },
    };
  }
  return { document: { $schema: "https://flagd.dev/schema/v0/flags.json", flags }, left };
}

function exportTargeting(definition: FlagDefinition, left: FlagProblem[]): { targeting?: unknown } {
  const { key, targeting, rollout, defaultVariant } = definition;
  if (rollout === undefined) return targeting === undefined ? {} : { targeting: exportLogic(targeting, definition) };
  if (typeof rollout.percent !== "number" || typeof rollout.by !== "string") {
    left.push({ path: [key, "rollout"], message: "flagd has no ramps and no rollouts by attribute" });
    return targeting === undefined ? {} : { targeting: exportLogic(targeting, definition) };
  }
  const parts = Math.round(rollout.percent * 1_000);
  const { variant } = rollout;
  const by: FlagValue =
    rollout.by === "tenant"
      ? { cat: [rollout.seed ?? key, { var: "tenant.id" }] }
      : { cat: [rollout.seed ?? key, { var: "tenant.id" }, "/", { var: "targetingKey" }] };
  const split = { fractional: [by, [variant, parts], [defaultVariant, 100_000 - parts]] };
  if (targeting === undefined) return { targeting: split };
  const chosen = exportLogic(targeting, definition);
  return { targeting: { if: [{ "!==": [chosen, null] }, chosen, split] } };
}

/** true and false name variants only where the author named none: flagd knows nothing of that. */
function exportLogic(targeting: unknown, { variantsAreImplied, type }: FlagDefinition): unknown {
  if (!variantsAreImplied || type !== "boolean") return targeting;
  return { if: [{ "===": [targeting, true] }, "on", { "===": [targeting, false] }, "off", targeting] };
}
