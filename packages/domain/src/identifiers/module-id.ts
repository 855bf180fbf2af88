import { InvalidIdentifierError } from "./invalid-identifier-error.ts";
import { isSlug } from "./slug.ts";

declare const brand: unique symbol;

/** A capability that is released in versions. Written as {@link isSlug} says. */
export type ModuleId = string & { readonly [brand]: "ModuleId" };

/** Tells whether `text` is written as a module's identifier. */
export function isModuleId(text: string): text is ModuleId {
  return isSlug(text);
}

/** @throws InvalidIdentifierError (kind "module") */
export function parseModuleId(text: string): ModuleId {
  if (!isModuleId(text)) throw new InvalidIdentifierError("module", text);
  return text;
}
