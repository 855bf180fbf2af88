import { z } from "zod";
import type { FlagDefinition, FlagValue } from "@aibos/domain";

type JsonSchema = NonNullable<FlagDefinition["schema"]>;

const COMPILED = new WeakMap<JsonSchema, z.ZodType | string>();

/** What a JSON Schema has against a value, in one line; null when it is valid. A schema that can't be used is a problem. */
export function schemaProblem(schema: JsonSchema, value: FlagValue): string | null {
  let compiled = COMPILED.get(schema);
  if (compiled === undefined) {
    compiled = compile(schema);
    COMPILED.set(schema, compiled);
  }
  if (typeof compiled === "string") return compiled;
  const parsed = compiled.safeParse(value);
  if (parsed.success) return null;
  return parsed.error.issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join(", ");
}

function compile(schema: JsonSchema): z.ZodType | string {
  if (JSON.stringify(schema).length > 20_000) return "the schema is too large";
  try {
    return z.fromJSONSchema(structuredClone(schema) as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    return `the schema can't be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What a flag's own schema has against a value; null for nothing, or when it has none. */
export function flagValueProblem({ schema }: Pick<FlagDefinition, "schema">, value: FlagValue): string | null {
  return schema === undefined ? null : schemaProblem(schema, value);
}
