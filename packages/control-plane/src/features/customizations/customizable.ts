import { createHash } from "node:crypto";
import { CustomizationInvalidError, HOOK_SCHEMA, type Preference } from "@aibos/contract";
import {
  compileDocumentSchema,
  type DocumentSchema,
  formatPath,
  parsePath,
  readDocumentText,
  refuseText,
  type Rename,
} from "@aibos/domain";

/** Something that a release lets tenants change. */
export interface Customizable {
  readonly name: string;
  readonly kind: "document" | "text" | "hook";
  readonly format: "json" | "yaml" | "text";
  readonly content: string;
  readonly contentDigest: string;
  /** Of a document or a hook. */
  readonly schema: DocumentSchema | undefined;
  readonly schemaText: string | undefined;
  readonly formerly: string | undefined;
  readonly renames: readonly Rename[];
  readonly prefer: Preference;
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Hooks all have the same form; what they are called with is theirs. */
const HOOK = compileDocumentSchema(HOOK_SCHEMA);

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
