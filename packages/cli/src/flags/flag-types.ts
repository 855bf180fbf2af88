type Definitions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const TYPES: Readonly<Record<string, string>> = {
  boolean: "boolean",
  string: "string",
  integer: "number",
  float: "number",
  object: "Readonly<Record<string, unknown>>",
};

/** TypeScript of a version's flags: a constant for each key, and the type of each value. */
export function flagTypes(module: string, version: string, flags: Definitions): string {
  const keys = Object.keys(flags).sort();
  const lines = keys.map((key) => {
    const { description } = flags[key] ?? {};
    const comment =
      typeof description === "string" ? [`  /** ${description.replace(/\s+/g, " ").replaceAll("*/", "* /")} */`] : [];
    return {
      constant: [...comment, `  ${constantName(key)}: ${JSON.stringify(key)},`],
      type: `  ${JSON.stringify(key)}: ${typeOf(flags[key] ?? {})};`,
    };
  });
  return [
    `// Written by "aibos-versions flags codegen" from ${module} ${version}. Don't edit: write it anew.`,
    "",
    "export const FLAGS = {",
    ...lines.flatMap(({ constant }) => constant),
    "} as const;",
    "",
    "export interface FlagValues {",
    ...lines.map(({ type }) => type),
    "}",
    "",
    "export type FlagKey = keyof FlagValues;",
    "/** Keys of flags whose value is of a type: `FlagKeyOf<boolean>`. */",
    "export type FlagKeyOf<T> = { [K in FlagKey]: FlagValues[K] extends T ? K : never }[FlagKey];",
    "",
  ].join("\n");
}

function typeOf({ type, flagType, variants }: Readonly<Record<string, unknown>>): string {
  const name = typeof type === "string" ? type : typeof flagType === "string" ? flagType : "";
  if (name === "string" && typeof variants === "object" && variants !== null) {
    return Object.values(variants)
      .map((value) => JSON.stringify(value))
      .join(" | ");
  }
  return TYPES[name] ?? "unknown";
}

function constantName(key: string): string {
  return key
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z\d]+/g, "_")
    .toUpperCase();
}
