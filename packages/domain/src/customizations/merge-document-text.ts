import type { Conflict, Decide, ReportLine } from "./conflict.ts";
import type { DocumentSchema } from "./document-schema.ts";
import { type DocumentFormat, type DocumentText, readDocumentText } from "./document-text.ts";
import { mergeDocument } from "./merge-document.ts";
import type { Rename } from "./rename-paths.ts";
import { writeDocument } from "./write-document.ts";

export interface DocumentTextsToMerge {
  /** Read already, where the same default is merged again and again. */
  readonly base: string | DocumentText;
  readonly ours: string;
  readonly theirs: string | DocumentText;
  /** False: only what conflicts is asked for, and the text that comes back is the tenant's. */
  readonly write?: boolean;
  /** The old version's format, of base and ours, and the new version's. */
  readonly format: { readonly old: DocumentFormat; readonly new: DocumentFormat };
  readonly schema: DocumentSchema;
  readonly renames?: readonly Rename[];
  readonly decide?: Decide;
}

export interface MergedText {
  readonly text: string;
  readonly conflicts: readonly Conflict[];
  readonly report: readonly ReportLine[];
}

/** Merges three texts of JSON or YAML. @throws DocumentRefusedError for one that is hostile or broken */
export function mergeDocumentText(given: DocumentTextsToMerge): MergedText {
  const { format, schema, renames, decide } = given;
  const read = (text: string | DocumentText, as: DocumentFormat): DocumentText =>
    typeof text === "string" ? readDocumentText(text, as) : text;
  const base = read(given.base, format.old);
  const ours = read(given.ours, format.old);
  const theirs = read(given.theirs, format.new);
  const { value, conflicts, report } = mergeDocument({
    base: base.value,
    ours: ours.value,
    theirs: theirs.value,
    schema,
    ...(renames === undefined ? {} : { renames }),
    ...(decide === undefined ? {} : { decide }),
  });
  if (given.write === false) return { text: given.ours, conflicts, report };
  const asNew = format.old === format.new ? ours : { text: theirs.text, value: ours.value };
  const oldBase = format.old === format.new ? base : { text: "", value: base.value };
  const unchanged = given.ours === base.text && conflicts.length === 0;
  const text = unchanged
    ? theirs.text
    : writeDocument(value, { base: oldBase, ours: asNew, theirs }, format.new, schema.shape);
  return { text, conflicts, report };
}
