import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { cookieOf } from "./cookie.ts";

/** What keeps a user on one version. */
export interface StickyUser {
  readonly key: string;
  /** When the user got the gateway's cookie, in milliseconds since the epoch; minus infinity when that is not known. */
  readonly bornAt: number;
  /** `Set-Cookie` for a user whom nothing identified so far. */
  readonly setCookie: string | undefined;
}

/**
 * By the header of the operator's choice, else by the gateway's cookie, else by a new cookie: its time in base 36, so
 * that users who came later can be told from those who were there, and something random.
 */
export function stickyUserOf(request: IncomingMessage, header: string, cookie: string, now: number): StickyUser {
  const named = request.headers[header];
  // Node gives header values as latin1; the key is hashed as the UTF-8 text that was sent.
  if (typeof named === "string" && named !== "") {
    return {
      key: Buffer.from(named, "latin1").toString("utf8"),
      bornAt: Number.NEGATIVE_INFINITY,
      setCookie: undefined,
    };
  }
  const known = cookieOf(request.headers.cookie, cookie);
  // A value that a gateway could not have set counts as none.
  if (known !== undefined && /^[A-Za-z0-9_-]{8,64}$/.test(known)) {
    const time = /^([0-9a-z]{8})-/.exec(known)?.[1];
    const bornAt = time === undefined ? Number.NEGATIVE_INFINITY : Number.parseInt(time, 36);
    return { key: known, bornAt, setCookie: undefined };
  }
  const key = `${now.toString(36)}-${randomBytes(16).toString("base64url")}`;
  return { key, bornAt: now, setCookie: `${cookie}=${key}; Path=/; HttpOnly; SameSite=Lax` };
}
