import type { DocumentPath } from "./document-path.ts";
import type { JsonValue } from "./json-value.ts";

/**
 * Why a change of the tenant's and one of the vendor's don't go together:
 *
 * - `change`: both changed a value, in different ways;
 * - `addition`: both added something at the same place;
 * - `removal`: one removed what the other changed;
 * - `type`: one changed the type of what the other changed;
 * - `order`: both put the same items in different orders; the three values are lists of the items' keys;
 * - `move`: one moved what the other changed;
 * - `rename`: the vendor renames something to a place where the tenant has something else;
 * - `schema`: each change is good, and the document with both is not valid for the new version;
 * - `text`: both changed the same lines;
 * - `hook-payload`: what a hook of the tenant's is called with changes;
 * - `custom-field`: the vendor brings a column that the tenant has as a custom field.
 */
export const CONFLICT_KINDS = [
  "change",
  "addition",
  "removal",
  "type",
  "order",
  "move",
  "rename",
  "schema",
  "text",
  "hook-payload",
  "custom-field",
] as const;
export type ConflictKind = (typeof CONFLICT_KINDS)[number];

/** Something that a person, or a policy, must decide. A value that is missing there is undefined. */
export interface Conflict {
  readonly kind: ConflictKind;
  readonly path: DocumentPath;
  readonly base: JsonValue | undefined;
  readonly ours: JsonValue | undefined;
  readonly theirs: JsonValue | undefined;
  /** Of a move: where to. */
  readonly movedTo?: DocumentPath;
  /** What is wrong, where the three values don't show it. */
  readonly detail?: string;
}

/** What is to become of a conflict. */
export type Decision =
  | { readonly take: "tenant" | "vendor"; readonly by?: string }
  | { readonly take: "value"; readonly value: JsonValue | undefined; readonly by?: string };

/** Gives what was decided about a conflict: by a policy, a recorded resolution or a person. Undefined: nothing yet. */
export type Decide = (conflict: Conflict) => Decision | undefined;

/** Something that a merge did, one line of the report for the tenant. */
export interface ReportLine {
  /**
   * `kept`: the tenant's change, which the vendor did not touch; `updated`: the vendor's change, where the tenant had
   * none; `same`: both made the same change; `renamed`: a tenant's change that went along to a new place; `resolved`: a
   * conflict that was decided; `conflict`: one that was not.
   */
  readonly outcome: "kept" | "updated" | "same" | "renamed" | "resolved" | "conflict";
  readonly path: DocumentPath;
  readonly detail?: string;
}
