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
  "http2-settings",
]);

/**
 * A raw header list (name, value, name, value …) without the fields that end at this hop: the fixed ones and those
 * that its `Connection` fields nominate. `host` and `content-length` can't be nominated away: without them a message
 * would mean something else. `drop` takes lower-case names.
 */
export function endToEndHeaders(raw: readonly string[], drop: (name: string) => boolean): string[] {
  const nominated = nominatedBy(raw);
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && nominated?.has(lower) !== true && !drop(lower)) kept.push(name, raw[index + 1] ?? "");
  }
  return kept;
}

/** Undefined in the ordinary case: no `Connection` field, or one that says no more than how the connection goes on. */
function nominatedBy(raw: readonly string[]): Set<string> | undefined {
  let nominated: Set<string> | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    const value = raw[index + 1] ?? "";
    if (value === "keep-alive" || value === "close") continue;
    nominated ??= new Set();
    for (const token of value.split(",")) nominated.add(token.trim().toLowerCase());
  }
  nominated?.delete("host");
  nominated?.delete("content-length");
  return nominated;
}
