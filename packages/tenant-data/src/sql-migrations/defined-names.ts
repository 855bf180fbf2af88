import { nameParts, nodeOf, textOf } from "../statement-risk/syntax-tree.ts";
import type { SqlStatement } from "./split-statements.ts";

/** Where a statement that makes something says its name. */
const NAME_FIELD: Readonly<Record<string, string>> = {
  CreateFunctionStmt: "funcname",
  DefineStmt: "defnames",
  CreateEnumStmt: "typeName",
  CreateRangeStmt: "typeName",
  CreateDomainStmt: "domainname",
  CreateOpClassStmt: "opclassname",
  CreateOpFamilyStmt: "opfamilyname",
  CompositeTypeStmt: "typevar",
  CreateStmt: "relation",
  ViewStmt: "view",
};

/** Names of what statements make, and which are meant by them even where an extension has something of that name. */
export function definedNames(statements: readonly SqlStatement[]): string[] {
  return statements.flatMap(({ type, fields }) => {
    const field = Object.hasOwn(NAME_FIELD, type) ? fields[NAME_FIELD[type] ?? ""] : undefined;
    const name = nameParts(field).at(-1) ?? relationNameOf(field);
    return name === "" ? [] : [name];
  });
}

function relationNameOf(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  return "relname" in value ? textOf(value.relname) : textOf(nodeOf(value)?.fields["relname"]);
}
