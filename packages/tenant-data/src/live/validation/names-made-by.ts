import type { Operation } from "../../operations/operation.ts";

/**
 * Names that an operation would have made. After one that fails, another that mentions such a name can only fail for
 * that, which is not worth telling. Undefined for SQL, which may make anything.
 */
export function namesMadeBy(operation: Operation): readonly string[] | undefined {
  switch (operation.kind) {
    case "sql":
      return undefined;
    case "create_table":
    case "create_index":
    case "create_constraint":
      return [operation.with.name];
    case "rename_table":
    case "rename_column":
    case "rename_constraint":
      return [operation.with.to];
    case "add_column":
      return [operation.with.column.name];
    case "alter_column": {
      const { name, unique, check, references } = operation.with;
      return [name, unique?.name, check?.name, references?.name].filter((one) => one !== undefined);
    }
    case "drop_table":
    case "drop_column":
    case "drop_index":
    case "drop_constraint":
    case "drop_multi_column_constraint":
    case "set_replica_identity":
      return [];
  }
}

/** Whether an operation mentions one of some names, as a name or in an expression. */
export function mentionsAny(operation: Operation, names: Iterable<string>): boolean {
  const texts = textsIn(operation.with);
  const words = new Set(texts.flatMap((text) => text.match(WORD) ?? []));
  // A name with other signs in it is found as it stands.
  return [...names].some(
    (name) => words.has(name) || (!ONE_WORD.test(name) && texts.some((text) => text.includes(name))),
  );
}

const WORD = /[\p{L}\p{N}_]+/gu;
const ONE_WORD = /^[\p{L}\p{N}_]+$/u;

/** All texts of an operation's fields, with the names of columns that are keys. */
function textsIn(value: unknown, key = ""): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((inner) => textsIn(inner));
  const keys = ["up", "down"].includes(key) ? Object.keys(value) : [];
  return [...keys, ...Object.entries(value).flatMap(([name, inner]) => textsIn(inner, name))];
}
