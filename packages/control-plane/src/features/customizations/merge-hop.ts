import { createHash } from "node:crypto";
import {
  canonicalJson,
  type Conflict,
  type Decide,
  type DocumentText,
  type FieldChoice,
  formatPath,
  mergeDocumentText,
  type MergedText,
  mergeFields,
  mergeText,
  readDocumentText,
  type ReportLine,
} from "@aibos/domain";
import type { Customizable, ReleaseFields } from "./customizable.ts";
import { readFields, writeFields } from "./fields-text.ts";

export interface HopMerge {
  /** Undefined: the new version has nothing of the kind, and that was accepted. */
  readonly content: string | undefined;
  readonly conflicts: readonly Conflict[];
  readonly report: readonly ReportLine[];
  /** What becomes of the tenant's own columns whose names the release takes. */
  readonly choices?: ReadonlyMap<string, FieldChoice>;
}

export interface HopContent {
  readonly from: Customizable;
  readonly to: Customizable | undefined;
  readonly content: string;
  /** False: only what conflicts is asked for. */
  readonly write?: boolean;
}

/**
 * Brings a tenant's content from one release to the next. `to` is undefined where the next release has no such thing any
 * more, which only a person may accept: the tenant's content would be used no more.
 */
export function mergeHop({ from, to, content, write = true }: HopContent, decide: Decide): HopMerge {
  if (content === from.content) return { content: to?.content, conflicts: [], report: [] };
  if (from.fields !== undefined && to?.fields !== undefined)
    return mergeOwnFields(from.fields, to.fields, content, decide);
  if (to === undefined || kindOf(from) !== kindOf(to)) return mergeReplaced({ from, to, content }, decide);
  if (to.format === "text" || from.format === "text") {
    return contentOf(mergeText({ base: from.content, ours: content, theirs: to.content, decide }));
  }
  if (to.schema === undefined) throw new Error(`"${to.name}" has no schema.`);
  const merged = contentOf(
    mergeDocumentText({
      base: defaultOf(from),
      ours: content,
      theirs: defaultOf(to),
      write,
      format: { old: from.format, new: to.format },
      schema: to.schema,
      renames: to.renames,
      decide,
    }),
  );
  return to.kind === "hook" ? withPayload({ from, to, content }, merged, decide) : merged;
}

function mergeOwnFields(from: ReleaseFields, to: ReleaseFields, content: string, decide: Decide): HopMerge {
  const added = to.changes.slice(from.changes.length).flat();
  const { fields, ...merged } = mergeFields(readFields(content), added, decide);
  return { content: writeFields(fields), ...merged };
}

const defaults = new WeakMap<Customizable, DocumentText>();

/** A release's default, read once. */
function defaultOf(customizable: Customizable): DocumentText {
  const { content, format } = customizable;
  const known = defaults.get(customizable) ?? readDocumentText(content, format === "text" ? "yaml" : format);
  defaults.set(customizable, known);
  return known;
}

function contentOf({ text, ...merged }: MergedText): HopMerge {
  return { content: text, ...merged };
}

function kindOf({ kind }: Customizable): string {
  return kind;
}

/** What is gone, or something else by now: the tenant's can't be used with the new version as it is. */
function mergeReplaced(
  { from, to, content }: { from: Customizable; to: Customizable | undefined; content: string },
  decide: Decide,
): HopMerge {
  const conflict: Conflict = {
    kind: to === undefined ? "removal" : "type",
    path: [],
    base: from.content,
    ours: content,
    theirs: to?.content,
    detail: to === undefined ? "the new version does not have it" : `it is a ${to.kind} now, no ${from.kind}`,
  };
  if (decide(conflict)?.take !== "vendor") {
    return { content, conflicts: [conflict], report: [{ outcome: "conflict", path: [], detail: conflict.kind }] };
  }
  return {
    content: to?.content,
    conflicts: [],
    report: [{ outcome: "resolved", path: [], detail: "the vendor's was taken" }],
  };
}

/** A hook of the tenant's was written for what it was called with. */
function withPayload(
  { from, to, content }: { from: Customizable; to: Customizable; content: string },
  merged: HopMerge,
  decide: Decide,
): HopMerge {
  const [old, new_] = [payloadOf(from), payloadOf(to)];
  if (canonicalJson(old) === canonicalJson(new_)) return merged;
  const conflict: Conflict = {
    kind: "hook-payload",
    path: [],
    base: old,
    ours: readDocumentText(content, "json").value,
    theirs: new_,
    detail: "what the hook is called with changes",
  };
  const decision = decide(conflict);
  if (decision === undefined) return { ...merged, conflicts: [...merged.conflicts, conflict] };
  const report = [
    ...merged.report,
    { outcome: "resolved" as const, path: [], detail: `hook-payload: ${decision.take}` },
  ];
  if (decision.take === "tenant") return { ...merged, report };
  const text = decision.take === "value" ? `${JSON.stringify(decision.value ?? null)}\n` : to.content;
  return { content: text, conflicts: merged.conflicts, report };
}

function payloadOf({ schemaText }: Customizable) {
  return schemaText === undefined ? null : readDocumentText(schemaText, "yaml").value;
}

/** The same for every tenant with the same conflict: of its name, place and three values. */
export function conflictId(name: string, { kind, path, base, ours, theirs }: Conflict): string {
  const parts = [name, kind, formatPath(path), ...[base, ours, theirs].map(canonicalJson)];
  return `cf_${createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 24)}`;
}
