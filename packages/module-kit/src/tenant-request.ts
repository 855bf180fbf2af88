import { TENANT_CONTEXT_HEADER } from "@aibos/contract";

/** Anything with a request's headers: a Fetch `Request`, Node's `IncomingMessage`, or a context of Hono. */
export type TenantRequest = HasHeaders | { readonly req: { readonly raw: HasHeaders } };

interface HasHeaders {
  readonly headers: Headers | Readonly<Record<string, string | string[] | undefined>>;
}

/** The signed tenant context as it came, unverified. One that came twice counts as none. */
export function contextHeaderOf(request: TenantRequest): string | undefined {
  const { headers } = "req" in request ? request.req.raw : request;
  const value = headers instanceof Headers ? headers.get(TENANT_CONTEXT_HEADER) : headers[TENANT_CONTEXT_HEADER];
  return typeof value === "string" ? value : undefined;
}
