import { createHash } from "node:crypto";
import { CustomizationInvalidError, HOOK_SCHEMA, type Preference } from "@aibos/contract";
import {
  compileDocumentSchema,
  CUSTOM_FIELDS,
  type CustomFieldType,
  type DocumentSchema,
  formatPath,
  isMap,
  logicProblem,
  parsePath,
  propertyOf,
  readDocumentText,
  refuseText,
  type Rename,
  type TableChange,
} from "@aibos/domain";

/** Something that a release lets tenants change. */
export interface Customizable {
  readonly name: string;
  readonly kind: "document" | "text" | "hook" | "fields";
  readonly format: "json" | "yaml" | "text";
  readonly content: string;
  readonly contentDigest: string;
  /** Of a document or a hook. */
  readonly schema: DocumentSchema | undefined;
  readonly schemaText: string | undefined;
  readonly formerly: string | undefined;
  readonly renames: readonly Rename[];
  readonly prefer: Preference;
  /** Of the tenant's own columns. */
  readonly fields: ReleaseFields | undefined;
}

/** What a release says of tenants' own columns. */
export interface ReleaseFields {
  /** Tables that tenants may extend, with the types that columns may have. */
  readonly tables: Readonly<Record<string, readonly CustomFieldType[]>>;
  /** What each of the module's migrations up to this release does to tables. */
  readonly changes: readonly (readonly TableChange[])[];
}

export const NO_FIELDS: ReleaseFields = { tables: {}, changes: [] };
/** A tenant without columns of its own. */
export const NO_FIELDS_TEXT = "{}\n";

/** The one customisable that every release has: the tenant's own columns. */
export function customFieldsOf(fields: ReleaseFields, prefer: Preference): Customizable {
  return {
    name: CUSTOM_FIELDS,
    kind: "fields",
    format: "json",
    content: NO_FIELDS_TEXT,
    contentDigest: digestOf(NO_FIELDS_TEXT),
    schema: undefined,
    schemaText: undefined,
    formerly: undefined,
    renames: [],
    prefer,
    fields,
  };
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const HOOK_FORM = compileDocumentSchema(HOOK_SCHEMA);

/** Hooks all have the same form; what they are called with is theirs. An expression must be one that can be evaluated. */
const HOOK: DocumentSchema = {
  shape: HOOK_FORM.shape,
  validate(value) {
    const violations = HOOK_FORM.validate(value);
    const expression = isMap(value) ? propertyOf(value, "expression") : undefined;
    if (violations.length > 0 || expression === undefined) return violations;
    return logicProblem(expression, ["expression"]).map(({ path, message }) => ({ path: path.map(String), message }));
  },
};

/** @throws DocumentSchemaError */
export function schemaOf(kind: Customizable["kind"], schemaText: string | undefined): DocumentSchema | undefined {
  if (kind === "hook") return HOOK;
  return schemaText === undefined ? undefined : compileDocumentSchema(readDocumentText(schemaText, "yaml").value);
}

export function renamesOf(renamed: Readonly<Record<string, string>>): Rename[] {
  return Object.entries(renamed).map(([from, to]) => ({ from: parsePath(from) ?? [], to: parsePath(to) ?? [] }));
}

/**
 * Checks content for what it is to be.
 *
 * @throws DocumentRefusedError, CustomizationInvalidError
 */
export function checkContent(
  { name, format, schema }: Pick<Customizable, "name" | "format" | "schema">,
  content: string,
): void {
  if (format === "text" || schema === undefined) {
    refuseText(content);
    return;
  }
  const { value } = readDocumentText(content, format);
  const violations = schema.validate(value).map(({ path, message }) => ({ path: formatPath(path), message }));
  if (violations.length > 0) throw new CustomizationInvalidError(name, violations);
}
