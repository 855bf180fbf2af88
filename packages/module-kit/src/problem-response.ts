import { STATUS_CODES } from "node:http";
import { ProblemError } from "./problem-error.ts";
import { TenantContextError } from "./tenant-context-error.ts";
import { TenantUnavailableError } from "./tenant-unavailable-error.ts";

/**
 * What to answer to a request that failed: problem+json (RFC 9457). Failures that are nobody's business outside, such
 * as a statement's, become 500 with no detail; `report` is told of them.
 */
export function problemResponse(error: unknown, report: (error: unknown) => void): Response {
  if (error instanceof ProblemError) return render(error.status, error.code, error.message, { fields: error.fields });
  if (error instanceof TenantContextError) return render(401, error.code, error.message);
  if (error instanceof TenantUnavailableError) {
    const headers = { "retry-after": String(error.retryAfterSeconds) };
    return render(503, error.code, error.message, { headers });
  }
  report(error);
  return render(500, "AIBOS_INTERNAL", "Something went wrong in the module; its log tells more.");
}

function render(
  status: number,
  code: string,
  detail: string,
  { fields = {}, headers = {} }: { fields?: Readonly<Record<string, unknown>>; headers?: Record<string, string> } = {},
): Response {
  const body = { ...fields, type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail, code };
  return Response.json(body, {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}
