import { readFile } from "node:fs/promises";

interface SpecificationFlag {
  readonly variants: Readonly<Record<string, unknown>>;
  readonly defaultVariant?: string | null;
  readonly disabled?: boolean;
  readonly flagMetadata?: Readonly<Record<string, unknown>> | null;
  readonly contextEvaluator?: string;
}

const IS_BALLMER = { "==": [{ var: "email" }, "ballmer@macrosoft.com"] };

/** The specification writes rules as CEL; these are the two that it has, as JSONLogic. */
const RULES: Readonly<Record<string, unknown>> = {
  "email == 'ballmer@macrosoft.com' ? 'zero' : ''": { if: [IS_BALLMER, "zero", null] },
  "!customer && email == 'ballmer@macrosoft.com' && age > 10 ? 'internal' : ''": {
    if: [{ and: [{ "!": [{ var: "customer" }] }, IS_BALLMER, { ">": [{ var: "age" }, 10] }] }, "internal", null],
  },
};

/** The flags of the specification's scenarios as a manifest writes them; those without a default have no place in one. */
export async function openFeatureFlags(): Promise<Record<string, Record<string, unknown>>> {
  const text = await readFile(new URL("openfeature/test-flags.json", import.meta.url), "utf8");
  const flags = JSON.parse(text) as Record<string, SpecificationFlag>;
  return Object.fromEntries(
    Object.entries(flags).flatMap(([key, flag]) => {
      const { variants, defaultVariant, disabled = false, flagMetadata, contextEvaluator } = flag;
      if (defaultVariant == null) return [];
      const rule = contextEvaluator === undefined ? undefined : RULES[contextEvaluator];
      if (contextEvaluator !== undefined && rule === undefined) throw new Error(`No rule for ${contextEvaluator}`);
      const definition = {
        type: typeOf(Object.values(variants)),
        variants,
        defaultVariant,
        state: disabled ? "DISABLED" : "ENABLED",
        ...(flagMetadata == null ? {} : { metadata: flagMetadata }),
        ...(rule === undefined ? {} : { targeting: rule }),
      };
      return [[key, definition]];
    }),
  );
}

function typeOf(values: readonly unknown[]): string {
  const [first] = values;
  return typeof first === "number" ? "float" : typeof first;
}
