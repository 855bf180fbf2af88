import { InvalidIdentifierError } from "./invalid-identifier-error.ts";
import { isSlug } from "./slug.ts";

declare const brand: unique symbol;

/** A customer of the platform. Written as {@link isSlug} says. */
export type TenantId = string & { readonly [brand]: "TenantId" };

/** Tells whether `text` is written as a tenant's identifier. */
export function isTenantId(text: string): text is TenantId {
  return isSlug(text);
}

/** @throws InvalidIdentifierError (kind "tenant") */
export function parseTenantId(text: string): TenantId {
  if (!isTenantId(text)) throw new InvalidIdentifierError("tenant", text);
  return text;
}
