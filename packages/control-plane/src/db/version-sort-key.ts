import type { Version } from "@aibos/domain";

/** Numbers of a version stay below 2^53, which has 16 digits. */
const DIGITS = 16;
/** After every prerelease: "~" sorts behind the characters that the parts below begin with. */
const RELEASE = "~";

/**
 * A version as text whose order in the C collation (by bytes) is semver precedence, so that the database can sort and
 * page versions by an index.
 *
 * Each part of a prerelease ends with a space, which sorts before all that a part can hold: "rc" comes before "rc.1"
 * and before "rca". Numbers begin with "0" and words with "1", because numbers come first; a number is preceded by its
 * count of digits, for prerelease numbers may be as long as one likes.
 */
export function versionSortKey(version: Version): string {
  const dash = version.indexOf("-");
  const core = dash === -1 ? version : version.slice(0, dash);
  const numbers = core.split(".").map((number) => number.padStart(DIGITS, "0"));
  const prerelease =
    dash === -1
      ? RELEASE
      : version
          .slice(dash + 1)
          .split(".")
          .map(sortKeyOfPart)
          .join("");
  return [...numbers, prerelease].join(".");
}

function sortKeyOfPart(part: string): string {
  return /^\d+$/.test(part) ? `0${String(part.length).padStart(3, "0")}${part} ` : `1${part} `;
}
