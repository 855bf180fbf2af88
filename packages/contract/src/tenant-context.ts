import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** The request header that carries the signed tenant context from the gateway to a module's process. */
export const TENANT_CONTEXT_HEADER = "x-aibos-context";

/** How long a signed context is valid, in seconds: enough for clock differences and a held request, no more. */
export const TENANT_CONTEXT_TTL_SECONDS = 120;

const tenantContextSchema = z.strictObject({
  tenant: z.string().min(1),
  module: z.string().min(1),
  version: z.string().min(1),
  /** PostgreSQL schema of the tenant's data: the second name in `search_path`. */
  schema: z.string().min(1),
  /** Schema of this version's views, there while several versions of the data are live: the first name in `search_path`. */
  views: z.string().min(1),
  /** The version of the data that this version reads and writes: becomes `aibos.version`. */
  dataVersion: z.string().min(1),
  /** PostgreSQL role of the tenant's data: becomes `SET LOCAL ROLE`. */
  role: z.string().min(1),
  /** Expiry, in whole seconds since 1970-01-01T00:00:00Z. */
  expires: z.int().positive(),
});

/** Who a request is for, and which part of the database it may reach. */
export type TenantContext = z.infer<typeof tenantContextSchema>;

/** Why a context was refused. */
export type TenantContextRefusal = "missing" | "malformed" | "wrong-signature" | "expired";

/**
 * Signs a context: `v1.<base64url of the JSON>.<base64url of HMAC-SHA256 over "v1.<payload>">`.
 *
 * The key is the one of the module version that the request goes to, so a version's process can't forge a context
 * for another version or module.
 */
export function signTenantContext(context: TenantContext, key: string): string {
  const payload = `v1.${Buffer.from(JSON.stringify(context), "utf8").toString("base64url")}`;
  return `${payload}.${createHmac("sha256", key).update(payload).digest("base64url")}`;
}

/** Verifies a signed context. `nowSeconds` is the present time in seconds since the epoch. */
export function verifyTenantContext(
  header: string | undefined,
  key: string,
  nowSeconds: number,
): { context: TenantContext } | { refusal: TenantContextRefusal } {
  if (header === undefined || header === "") return { refusal: "missing" };
  const [scheme, payload, signature, ...rest] = header.split(".");
  if (scheme !== "v1" || payload === undefined || signature === undefined || rest.length > 0) {
    return { refusal: "malformed" };
  }
  const expected = createHmac("sha256", key).update(`v1.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { refusal: "wrong-signature" };
  const parsed = tenantContextSchema.safeParse(parseJson(Buffer.from(payload, "base64url").toString("utf8")));
  if (!parsed.success) return { refusal: "malformed" };
  return parsed.data.expires < nowSeconds ? { refusal: "expired" } : { context: parsed.data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
