import { createHash, timingSafeEqual } from "node:crypto";
import { UnauthorizedError } from "@aibos/contract";

/**
 * Makes the check of `authorization: Bearer <token>`. Digests are compared, not texts: the time it takes tells nothing
 * of the token, its length included.
 */
export function createAuthorization(token: string): (header: string | undefined) => void {
  const expected = digestOf(token);
  return (header) => {
    const given = /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
    if (given === undefined) throw new UnauthorizedError("missing");
    if (!timingSafeEqual(digestOf(given), expected)) throw new UnauthorizedError("wrong");
  };
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
