import { endToEndHeaders } from "./hop-by-hop.ts";

/**
 * Fields that mean something before the content: what frames and routes a message, says who asks and under which
 * conditions, or how content is read and kept (RFC 9110, 6.5.1). One who puts trailers and headers together must not get
 * them from there.
 */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set(
  (
    "content-length trailer host content-encoding content-type content-range authorization cookie set-cookie " +
    "www-authenticate authentication-info proxy-authentication-info cache-control expect max-forwards pragma range " +
    "if-match if-none-match if-modified-since if-unmodified-since if-range age date expires location retry-after vary " +
    "warning"
  ).split(" "),
);

/** The raw list of trailer fields that go on past this hop. `drop` takes lower-case names of further ones that don't. */
export function endToEndTrailers(raw: readonly string[], drop: (name: string) => boolean): string[] {
  return raw.length === 0 ? [] : endToEndHeaders(raw, (name) => NOT_IN_TRAILERS.has(name) || drop(name));
}
