import semver, { type SemVer } from "semver";

/** A version with a leading v, or with one or two numbers alone, is read too; null for anything else. */
function readVersion(value: unknown): SemVer | null {
  const text = String(value).replace(/^[vV]/, "");
  return semver.parse(text) ?? (/^\d+(\.\d+)?$/.test(text) ? semver.coerce(text) : null);
}

// Rules compare a context's version to a few fixed ones.
const LAST_READ = new Map<unknown, SemVer | null>();
const KEEP = 256;

function versionOf(value: unknown): SemVer | null {
  if (typeof value !== "string") return readVersion(value);
  const known = LAST_READ.get(value);
  if (known !== undefined) return known;
  if (value.length > 100) return readVersion(value);
  if (LAST_READ.size >= KEEP) LAST_READ.clear();
  const version = readVersion(value);
  LAST_READ.set(value, version);
  return version;
}

/** `[version, operator, version]`, operators as flagd has them; null for what is no version or operator. */
export function compareSemVer(values: readonly unknown[]): boolean | null {
  if (values.length !== 3) return null;
  const a = versionOf(values[0]);
  const b = versionOf(values[2]);
  if (a === null || b === null) return null;
  switch (String(values[1])) {
    case "=":
      return semver.compare(a, b) === 0;
    case "!=":
      return semver.compare(a, b) !== 0;
    case "<":
      return semver.compare(a, b) < 0;
    case "<=":
      return semver.compare(a, b) <= 0;
    case ">":
      return semver.compare(a, b) > 0;
    case ">=":
      return semver.compare(a, b) >= 0;
    case "^":
      return a.major === b.major;
    case "~":
      return a.major === b.major && a.minor === b.minor;
    default:
      return null;
  }
}
