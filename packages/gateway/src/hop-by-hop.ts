/** Header fields that concern one connection only (RFC 9110, 7.6.1), and those that a proxy must set itself. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A raw header list (name, value, name, value …) without the fields that end at this hop: the fixed ones and those
 * that its `Connection` fields nominate. `host` and `content-length` can't be nominated away: without them a message
 * would mean something else. `drop` takes lower-case names.
 */
export function endToEndHeaders(raw: readonly string[], drop: (name: string) => boolean): string[] {
  const nominated = new Set<string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== "connection") continue;
    for (const token of (raw[index + 1] ?? "").split(",")) nominated.add(token.trim().toLowerCase());
  }
  nominated.delete("host");
  nominated.delete("content-length");
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !nominated.has(lower) && !drop(lower)) kept.push(name, raw[index + 1] ?? "");
  }
  return kept;
}
