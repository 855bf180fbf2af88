// PostgreSQL's raw parse tree as JSON: an object with one key, the node's type, whose value has its fields. Fields with
// their default value are left out.

export type Fields = Readonly<Record<string, unknown>>;

/** A node's type and fields; undefined for what is no node. */
export function nodeOf(value: unknown): { type: string; fields: Fields } | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const [entry] = Object.entries(value);
  if (entry === undefined) return undefined;
  const [type, fields] = entry;
  return typeof fields === "object" && fields !== null ? { type, fields: fields as Fields } : undefined;
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The parts of a qualified name: `[{String: {sval: "a"}}, …]`, bare or in a List node. */
export function nameParts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : listOf(nodeOf(value)?.fields["items"]);
  return list.map((part) => textOf(nodeOf(part)?.fields["sval"])).filter((part) => part !== "");
}

/** The name in a RangeVar's fields, with its schema where one is written. */
export function relationName(value: unknown): string {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Fields;
  const schema = textOf(fields["schemaname"]);
  return schema === "" ? textOf(fields["relname"]) : `${schema}.${textOf(fields["relname"])}`;
}

/** Calls back with every node below a value. */
export function visit(value: unknown, seen: (type: string, fields: Fields) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, seen);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (/^[A-Z]/.test(key) && typeof inner === "object" && inner !== null) seen(key, inner as Fields);
    visit(inner, seen);
  }
}

/** Every table that a value reads or writes by name. */
export function relationsIn(value: unknown): string[] {
  const found = new Set<string>();
  const common = new Set<string>();
  visit(value, (type, fields) => {
    if (type === "RangeVar") found.add(relationName(fields));
    if (type === "CommonTableExpr") common.add(textOf(fields["ctename"]));
  });
  return [...found].filter((name) => !common.has(name));
}
