import semver from "semver";
import { InvalidIdentifierError } from "../identifiers/invalid-identifier-error.ts";

declare const brand: unique symbol;

/** A release's semantic version (semver 2.0) without build metadata, so that equal precedence means equal text. */
export type Version = string & { readonly [brand]: "Version" };

/** Tells whether `text` is a version in its one canonical spelling: "1.5.0", not "v1.5.0", " 1.5.0" or "1.5.0+7". */
export function isVersion(text: string): text is Version {
  return semver.parse(text)?.version === text;
}

/** @throws InvalidIdentifierError (kind "version") */
export function parseVersion(text: string): Version {
  if (!isVersion(text)) throw new InvalidIdentifierError("version", text);
  return text;
}

/** Semver precedence: negative when `a` is older than `b`, positive when newer, 0 only when they are the same text. */
export function compareVersions(a: Version, b: Version): number {
  return semver.compare(a, b);
}
