import { nameParts, nodeOf, textOf } from "../statement-risk/syntax-tree.ts";
import type { SqlStatement } from "./split-statements.ts";

/** Something that a statement makes, by the schema and name that the statement calls it. */
export interface DefinedName {
  /** Names of different kinds may be the same. */
  readonly kind: "relation" | "type" | "function" | "other";
  /** `public` where none is named. */
  readonly schema: string;
  readonly name: string;
}

/** Where a statement that makes something says its name. */
const NAME_FIELD: Readonly<Record<string, readonly [DefinedName["kind"], string]>> = {
  CreateFunctionStmt: ["function", "funcname"],
  DefineStmt: ["other", "defnames"],
  CreateEnumStmt: ["type", "typeName"],
  CreateRangeStmt: ["type", "typeName"],
  CreateDomainStmt: ["type", "domainname"],
  CreateOpClassStmt: ["other", "opclassname"],
  CreateOpFamilyStmt: ["other", "opfamilyname"],
  CompositeTypeStmt: ["type", "typevar"],
  CreateStmt: ["relation", "relation"],
  CreateSeqStmt: ["relation", "sequence"],
  CreateTableAsStmt: ["relation", "into"],
  ViewStmt: ["relation", "view"],
};

/** Names of what statements make, and which are meant by them even where an extension has something of that name. */
export function definedNames(statements: readonly SqlStatement[]): DefinedName[] {
  return statements.flatMap(({ type, fields }): DefinedName[] => {
    const [kind, field] = Object.hasOwn(NAME_FIELD, type) ? (NAME_FIELD[type] ?? []) : [];
    if (kind === undefined || field === undefined) return [];
    const value = field === "into" ? inner(fields[field], "rel") : fields[field];
    const parts = nameParts(value);
    const name = parts.at(-1) ?? relationPart(value, "relname");
    const schema = (parts.length > 1 ? (parts.at(-2) ?? "") : relationPart(value, "schemaname")) || "public";
    return name === "" || relationPart(value, "relpersistence") === "t" ? [] : [{ kind, schema, name }];
  });
}

function inner(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
}

function relationPart(value: unknown, key: string): string {
  return textOf(inner(value, key)) || textOf(nodeOf(value)?.fields[key]);
}
