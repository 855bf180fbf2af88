import { FLAG_KINDS, type FlagDefinition, type FlagPrerequisite } from "./flag-definition.ts";
import type { FlagProblem } from "./flag-problem.ts";
import {
  describeFlagType,
  FLAG_TYPES,
  type FlagType,
  type FlagValue,
  isFlagValueOf,
  isSameFlagValue,
} from "./flag-value.ts";
import { logicProblem } from "./logic-problem.ts";
import { parseRollout } from "./parse-rollout.ts";
import { onVariant, shown } from "./parse-setting.ts";
import { prerequisiteProblems } from "./prerequisites.ts";
import { type FieldReader, isRecord, readFields, UNUSABLE_NAMES } from "./read-fields.ts";

export const MAX_FLAGS = 500;
const KEY = /^[A-Za-z][A-Za-z0-9_.-]{0,99}$/;

/**
 * The flags of a manifest, in OpenFeature's shape (`flagType`, `defaultValue`) or the short one (`type`, `default`),
 * or all that is wrong with them.
 */
export function parseFlagDefinitions(source: unknown): { definitions: FlagDefinition[]; problems: FlagProblem[] } {
  if (!isRecord(source)) return { definitions: [], problems: [{ path: [], message: "must be a mapping of flags" }] };
  const entries = Object.entries(source);
  if (entries.length > MAX_FLAGS) {
    return { definitions: [], problems: [{ path: [], message: `has more than ${MAX_FLAGS} flags` }] };
  }
  const read = entries.map(([key, flag]) => parseFlagDefinition(key, flag));
  const definitions = read.flatMap(({ definition }) => (definition === undefined ? [] : [definition]));
  const problems = read.flatMap((one) => one.problems);
  // What flags mean to each other, once each is well formed.
  if (problems.length === 0) problems.push(...prerequisiteProblems(definitions), ...renameProblems(definitions));
  return problems.length > 0 ? { definitions: [], problems } : { definitions, problems };
}

function parseFlagDefinition(key: string, source: unknown): { definition?: FlagDefinition; problems: FlagProblem[] } {
  if (!KEY.test(key) || UNUSABLE_NAMES.has(key)) {
    const message = "is no flag's key: a letter, then up to 99 letters, digits, dots, dashes and underscores";
    return { problems: [{ path: [key], message }] };
  }
  if (!isRecord(source)) {
    return { problems: [{ path: [key], message: "must be an object such as { type: boolean, default: false }" }] };
  }
  const fields = readFields(source, [key]);
  const type = parseType(fields);
  const variants = type === undefined ? undefined : parseVariants(fields, type);
  const rollout = fields.take("rollout");
  const targeting = fields.take("targeting");
  const more = {
    ...optional("description", fields.text("description", 2_000)),
    ...optional("owner", fields.text("owner", 200)),
    ...optional("renamedFrom", fields.text("renamedFrom", 100)),
    ...optional("lifetimeDays", parseLifetime(fields)),
    ...optional("schema", parseSchema(fields, type)),
    ...optional("metadata", parseMetadata(fields)),
  };
  const kind = fields.oneOf("kind", FLAG_KINDS) ?? "release";
  const enabled = fields.oneOf("state", ["ENABLED", "DISABLED"]) !== "DISABLED";
  const prerequisites = parsePrerequisites(fields);
  if (targeting !== undefined) fields.problems.push(...logicProblem(targeting, [key, "targeting"]));
  const share =
    rollout === undefined || variants === undefined || type === undefined
      ? undefined
      : parseRollout(rollout, variants.variants, {
          path: [key, "rollout"],
          on: onVariant({ type, variants: variants.variants }),
        });
  fields.problems.push(...(share?.problems ?? []));
  fields.end();
  if (fields.problems.length > 0 || type === undefined || variants === undefined) return { problems: fields.problems };
  const definition: FlagDefinition = {
    key,
    type,
    ...variants,
    enabled,
    kind,
    prerequisites,
    ...more,
    ...optional("targeting", targeting),
    ...optional("rollout", share?.rollout),
  };
  return { definition, problems: [] };
}

function optional<N extends string, T>(name: N, value: T | undefined): { [name in N]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { [name in N]: T });
}

function parseType(fields: FieldReader): FlagType | undefined {
  const long = fields.oneOf("flagType", FLAG_TYPES);
  const short = fields.oneOf("type", FLAG_TYPES);
  if (long !== undefined && short !== undefined && long !== short) fields.fail("type", "and flagType differ");
  if (long === undefined && short === undefined && fields.problems.length === 0) {
    fields.fail("type", `is needed: one of ${FLAG_TYPES.join(", ")}`);
  }
  return long ?? short;
}

type Variants = Pick<FlagDefinition, "variants" | "variantsAreImplied" | "defaultVariant" | "offVariant">;

function parseVariants(fields: FieldReader, type: FlagType): Variants | undefined {
  const short = fields.take("default");
  const long = fields.take("defaultValue");
  if (short !== undefined && long !== undefined) fields.fail("default", "and defaultValue can't both be given");
  const value = short ?? long;
  if (value !== undefined && !isFlagValueOf(type, value)) {
    fields.fail(
      short === undefined ? "defaultValue" : "default",
      `must be ${describeFlagType(type)}, not ${shown(value)}`,
    );
    return undefined;
  }
  const declared = parseDeclaredVariants(fields, type);
  const named = fields.text("defaultVariant", 100);
  const off = fields.text("offVariant", 100);
  if (declared === null) return undefined;
  const variants = declared ?? impliedVariants(type, value);
  const defaultVariant =
    named ?? [...variants].find(([, known]) => value !== undefined && isSameFlagValue(known, value))?.[0];
  if (defaultVariant === undefined) {
    fields.fail("default", value === undefined ? "is needed" : "must be the value of one of the variants");
    return undefined;
  }
  const unknown = [defaultVariant, ...(off === undefined ? [] : [off])].find((name) => !variants.has(name));
  if (unknown !== undefined) {
    fields.fail(unknown === off ? "offVariant" : "defaultVariant", `"${unknown}" is not among the variants`);
    return undefined;
  }
  if (value !== undefined && !isSameFlagValue(variants.get(defaultVariant), value)) {
    fields.fail("defaultVariant", "has another value than the default");
    return undefined;
  }
  const offVariant = off ?? falseVariant(type, variants) ?? defaultVariant;
  return { variants, variantsAreImplied: declared === undefined, defaultVariant, offVariant };
}

function falseVariant(type: FlagType, variants: ReadonlyMap<string, FlagValue>): string | undefined {
  return type === "boolean" ? [...variants].find(([, value]) => value === false)?.[0] : undefined;
}

function impliedVariants(type: FlagType, value: FlagValue | undefined): Map<string, FlagValue> {
  if (type === "boolean") {
    return new Map([
      ["on", true],
      ["off", false],
    ]);
  }
  return value === undefined ? new Map() : new Map([["default", value]]);
}

/** Undefined when there are none, null when they are wrong. */
function parseDeclaredVariants(fields: FieldReader, type: FlagType): Map<string, FlagValue> | undefined | null {
  const source = fields.take("variants");
  if (source === undefined) return undefined;
  if (!isRecord(source) || Object.keys(source).length === 0 || Object.keys(source).length > 100) {
    fields.fail("variants", "must be a mapping of 1 to 100 names to values");
    return null;
  }
  const variants = new Map<string, FlagValue>();
  for (const [name, value] of Object.entries(source)) {
    if (UNUSABLE_NAMES.has(name) || name.length > 100 || name === "") {
      fields.fail(["variants", name], "is not a name that can be used");
    } else if (isFlagValueOf(type, value)) variants.set(name, value);
    else fields.fail(["variants", name], `must be ${describeFlagType(type)}, not ${shown(value)}`);
  }
  return variants.size === Object.keys(source).length ? variants : null;
}

function parseLifetime(fields: FieldReader): number | undefined {
  const days = fields.take("lifetimeDays");
  if (days === undefined) return undefined;
  if (typeof days === "number" && Number.isInteger(days) && days >= 1 && days <= 3_650) return days;
  fields.fail("lifetimeDays", "must be 1 to 3650 days");
  return undefined;
}

function parseSchema(fields: FieldReader, type: FlagType | undefined): FlagDefinition["schema"] {
  const schema = fields.take("schema");
  if (schema === undefined) return undefined;
  if (type !== "object") fields.fail("schema", "is for flags of type object");
  else if (!isRecord(schema)) fields.fail("schema", "must be a JSON Schema");
  return isRecord(schema) ? (schema as NonNullable<FlagDefinition["schema"]>) : undefined;
}

function parseMetadata(fields: FieldReader): FlagDefinition["metadata"] {
  const metadata = fields.take("metadata");
  if (metadata === undefined) return undefined;
  const isUsable =
    isRecord(metadata) &&
    Object.entries(metadata).every(
      ([name, value]) => !UNUSABLE_NAMES.has(name) && ["string", "number", "boolean"].includes(typeof value),
    );
  if (!isUsable) fields.fail("metadata", "must be a mapping of names to texts, numbers and booleans");
  return isUsable ? (metadata as NonNullable<FlagDefinition["metadata"]>) : undefined;
}

function parsePrerequisites(fields: FieldReader): FlagPrerequisite[] {
  const source = fields.take("prerequisites");
  if (source === undefined) return [];
  if (!Array.isArray(source) || source.length > 20) {
    fields.fail("prerequisites", "must be a list of at most 20 such as { flag: other, variant: on }");
    return [];
  }
  return source.flatMap((entry: unknown, index) => {
    if (isRecord(entry) && typeof entry["flag"] === "string" && Object.keys(entry).length <= 2) {
      const variant = entry["variant"] ?? "on";
      if (typeof variant === "string") return [{ flag: entry["flag"], variant }];
    }
    fields.fail(["prerequisites", index], "must be such as { flag: other, variant: on }");
    return [];
  });
}

function renameProblems(definitions: readonly FlagDefinition[]): FlagProblem[] {
  const keys = new Set(definitions.map(({ key }) => key));
  const seen = new Set<string>();
  return definitions.flatMap(({ key, renamedFrom }) => {
    if (renamedFrom === undefined) return [];
    const path = [key, "renamedFrom"];
    if (keys.has(renamedFrom)) return [{ path, message: `"${renamedFrom}" is still declared by this version` }];
    if (seen.has(renamedFrom)) return [{ path, message: `two flags were "${renamedFrom}"` }];
    seen.add(renamedFrom);
    return [];
  });
}
