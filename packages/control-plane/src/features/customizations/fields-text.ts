import { CustomizationInvalidError } from "@aibos/contract";
import { compileDocumentSchema, CUSTOM_FIELDS, type FieldsByTable, formatPath, readDocumentText } from "@aibos/domain";
import { NO_FIELDS_TEXT } from "./customizable.ts";

const TEXT = { type: "string" };
const SCHEMA = {
  type: "object",
  additionalProperties: {
    type: "object",
    additionalProperties: {
      type: "object",
      properties: { type: TEXT },
      required: ["type"],
      additionalProperties: false,
    },
  },
};
const schema = compileDocumentSchema(SCHEMA);

/** A tenant's own columns as they are stored. @throws DocumentRefusedError, CustomizationInvalidError */
export function readFields(content: string): FieldsByTable {
  const { value } = readDocumentText(content, "json");
  const [violation] = schema.validate(value);
  if (violation !== undefined) {
    const { path, message } = violation;
    throw new CustomizationInvalidError(CUSTOM_FIELDS, [{ path: formatPath(path), message }]);
  }
  return value as FieldsByTable;
}

/** The same columns are always the same text, so that tenants with the same ones are looked at once. */
export function writeFields(fields: FieldsByTable): string {
  const tables = Object.entries(fields).filter(([, own]) => Object.keys(own).length > 0);
  if (tables.length === 0) return NO_FIELDS_TEXT;
  const sorted = <T>(entries: [string, T][]): [string, T][] => entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  const ordered = sorted(tables).map(
    ([table, own]) => [table, Object.fromEntries(sorted(Object.entries(own)))] as const,
  );
  return `${JSON.stringify(Object.fromEntries(ordered), null, 2)}\n`;
}
