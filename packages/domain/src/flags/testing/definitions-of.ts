import type { FlagDefinition } from "../flag-definition.ts";
import { parseFlagDefinitions } from "../parse-flag-definitions.ts";

/** Definitions of flags as a manifest writes them. */
export function definitionsOf(flags: Record<string, unknown>): FlagDefinition[] {
  const { definitions, problems } = parseFlagDefinitions(flags);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return definitions;
}
