import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** Where a tester's request carries the token. The gateway keeps the header to itself. */
export const TESTER_TOKEN_HEADER = "x-aibos-tester";
export const TESTER_TOKEN_COOKIE = "aibos_tester";

const claimsSchema = z.strictObject({
  tenant: z.string(),
  module: z.string(),
  version: z.string(),
  /** In whole seconds since 1970-01-01T00:00:00Z. */
  expires: z.int().positive(),
});

/** Who holds the token gets this version of one tenant's module, for as long as it serves. */
export type TesterClaims = z.infer<typeof claimsSchema>;

/** Signs a tester's claims: `t1.<base64url of the JSON>.<base64url of HMAC-SHA256 over "t1.<payload>">`. */
export function signTesterToken(claims: TesterClaims, key: string): string {
  const payload = `t1.${Buffer.from(JSON.stringify(claims), "utf8").toString("base64url")}`;
  return `${payload}.${signatureOf(payload, key).toString("base64url")}`;
}

/** The claims of a token that was signed with the key and has not expired; undefined for any other text. */
export function readTesterToken(token: string, key: string, nowSeconds: number): TesterClaims | undefined {
  const match = /^(t1\.([A-Za-z0-9_-]{1,1000}))\.([A-Za-z0-9_-]{43})$/.exec(token);
  if (match === null) return undefined;
  const [, signed = "", payload = "", signature = ""] = match;
  if (!timingSafeEqual(signatureOf(signed, key), Buffer.from(signature, "base64url"))) return undefined;
  const claims = claimsSchema.parse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
  return claims.expires < nowSeconds ? undefined : claims;
}

function signatureOf(text: string, key: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
