import { type DocumentFormat, type DocumentText, readDocumentText } from "./document-text.ts";
import { type JsonValue, sameJson } from "./json-value.ts";
import type { MergeShape } from "./merge-shape.ts";
import { writeYaml } from "./write-yaml.ts";

/** The three texts of a merge. */
export interface MergedTexts {
  readonly base: DocumentText;
  readonly ours: DocumentText;
  readonly theirs: DocumentText;
}

/**
 * Writes a merged document as the tenant writes it. What one side alone changed is that side's text, to the byte; else
 * the tenant's text with what the merge changed in it, with the tenant's comments and the vendor's for what is new.
 */
export function writeDocument(
  value: JsonValue,
  { base, ours, theirs }: MergedTexts,
  format: DocumentFormat,
  shape: MergeShape,
): string {
  if (ours.text === base.text && sameJson(value, theirs.value)) return theirs.text;
  if (theirs.text === base.text && sameJson(value, ours.value)) return ours.text;
  if (format === "json") return sameJson(value, ours.value) ? ours.text : writeJson(value, ours.text);
  const text = writeYaml(value, { base, ours, theirs }, shape);
  // Whatever a comment or an anchor did to it: what is stored says what was merged.
  return sameJson(readDocumentText(text, format).value, value) ? text : writeYaml(value, {}, shape);
}

/** With the indent and the last line break that the text has. */
export function writeJson(value: JsonValue, like = "{\n  \n}\n"): string {
  const indent = /^[[{]\s*?\n([ \t]+)/.exec(like.trimStart())?.[1] ?? "";
  return JSON.stringify(value, null, indent) + (like.endsWith("\n") ? "\n" : "");
}
