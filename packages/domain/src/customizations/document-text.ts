import type { Document } from "yaml";
import type { JsonValue } from "./json-value.ts";
import { readJson } from "./read-json.ts";
import { readYaml } from "./read-yaml.ts";

export const DOCUMENT_FORMATS = ["json", "yaml"] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/** A document as somebody wrote it, and what it says. */
export interface DocumentText {
  readonly text: string;
  readonly value: JsonValue;
  /** Of YAML: with its comments. */
  readonly yaml?: Document;
}

/** @throws DocumentRefusedError for a text that is hostile, broken, or could not be JSON */
export function readDocumentText(text: string, format: DocumentFormat): DocumentText {
  if (format === "json") return { text, value: readJson(text) };
  const { document, value } = readYaml(text);
  return { text, value, yaml: document };
}
