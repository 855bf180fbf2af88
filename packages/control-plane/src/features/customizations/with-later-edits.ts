import { compileDocumentSchema, type Conflict, mergeDocumentText, mergeText } from "@aibos/domain";
import type { Customizable } from "./customizable.ts";

/**
 * Brings what a tenant changed since a merge along to what a later merge makes.
 *
 * @param base what the first merge made
 * @param ours what the tenant has now
 * @param theirs what the second merge makes
 */
export function withLaterEdits(
  target: Customizable,
  base: string,
  ours: string,
  theirs: string,
): { readonly text: string; readonly conflicts: readonly Conflict[] } {
  if (base === ours) return { text: theirs, conflicts: [] };
  if (target.format === "text") return mergeText({ base, ours, theirs });
  const schema = target.schema ?? compileDocumentSchema(true);
  return mergeDocumentText({ base, ours, theirs, format: { old: target.format, new: target.format }, schema });
}
