import { createHmac, timingSafeEqual } from "node:crypto";

/** Verifies `x-aibos-context` and returns whom the request is for. Throws an error with the status 401. */
export function readContext(header, { contextKey, module, version, now = Date.now() }) {
  const [scheme, payload, signature, ...rest] = (header ?? "").split(".");
  if (scheme !== "v1" || payload === undefined || signature === undefined || rest.length > 0) {
    throw refusal("The tenant context is missing or can't be read.");
  }
  const expected = createHmac("sha256", contextKey).update(`v1.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw refusal("The tenant context is not signed for this version.");
  }
  const context = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  if (context.expires < now / 1_000) throw refusal("The tenant context has expired.");
  if (context.module !== module || context.version !== version)
    throw refusal("The tenant context is for another version.");
  return context;
}

function refusal(message) {
  return Object.assign(new Error(message), { status: 401 });
}
