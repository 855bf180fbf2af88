import { InvalidIdentifierError } from "./invalid-identifier-error.ts";

declare const brand: unique symbol;

/** One control database among those of a PostgreSQL server: 8 hexadecimal digits, part of the names of roles. */
export type InstallationId = string & { readonly [brand]: "InstallationId" };

/** Tells whether `text` is written as an installation's identifier. */
export function isInstallationId(text: string): text is InstallationId {
  return /^[0-9a-f]{8}$/.test(text);
}

/** @throws InvalidIdentifierError (kind "installation") */
export function parseInstallationId(text: string): InstallationId {
  if (!isInstallationId(text)) throw new InvalidIdentifierError("installation", text);
  return text;
}
