import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What keeps a user on one version. */
export interface StickyUser {
  readonly key: string;
  /** `Set-Cookie` for a user whom nothing identified so far. */
  readonly setCookie: string | undefined;
}

/** By the header of the operator's choice, else by the gateway's cookie, else by a new cookie. */
export function stickyUserOf(request: IncomingMessage, header: string, cookie: string): StickyUser {
  const named = request.headers[header];
  // Node gives header values as latin1; the key is hashed as the UTF-8 text that was sent.
  if (typeof named === "string" && named !== "") {
    return { key: Buffer.from(named, "latin1").toString("utf8"), setCookie: undefined };
  }
  const known = cookieValue(request.headers.cookie, cookie);
  if (known !== undefined) return { key: known, setCookie: undefined };
  const key = randomBytes(16).toString("base64url");
  return { key, setCookie: `${cookie}=${key}; Path=/; HttpOnly; SameSite=Lax` };
}

/** A value that this gateway could not have set counts as none. */
function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const [key, value] = pair.trim().split("=", 2);
    if (key === name && value !== undefined && /^[A-Za-z0-9_-]{8,64}$/.test(value)) return value;
  }
  return undefined;
}
