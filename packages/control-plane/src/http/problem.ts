import { ERROR_CODES, isErrorCode } from "@aibos/contract";
import { DomainError } from "@aibos/domain";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { isLostConnection } from "../db/lost-connection.ts";
import { statusOf } from "./error-status.ts";

/** A failure as it is told to a caller. */
export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether it is not the caller's fault: somebody must look at the log. */
  readonly unexpected: boolean;
}

const OF_ERROR = new Set(["name", "message", "stack", "cause", "code"]);

/**
 * Describes an error as RFC 9457 has it. A DomainError tells its code, its message and its own fields; of any other
 * error nothing is told but the request id, because its text may hold what is not the caller's business.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  if (isLostConnection(error)) return describe("AIBOS_DATABASE_AWAY", DATABASE_AWAY, requestId, {});
  if (!(error instanceof DomainError)) {
    return describe("AIBOS_INTERNAL", internalDetail(requestId), requestId, {});
  }
  const fields = Object.fromEntries(Object.entries(error).filter(([name]) => !OF_ERROR.has(name)));
  return describe(error.code, error.message, requestId, fields);
}

function describe(code: string, detail: string, requestId: string, fields: Record<string, unknown>): Problem {
  const status = statusOf(code);
  const title = isErrorCode(code) ? ERROR_CODES[code] : "The operation failed.";
  return {
    status,
    // The standard members come last: a failure's own field can't pose as one of them.
    body: { ...fields, type: `urn:aibos:error:${code}`, title, status, detail, code, requestId },
    unexpected: status === 500,
  };
}

const DATABASE_AWAY =
  "The control plane's PostgreSQL does not answer. The embedded one is started again by itself; try again in a moment. " +
  "If it lasts, look at the database that DATABASE_URL names, and at the control plane's log.";

function internalDetail(requestId: string): string {
  return `Something went wrong that is not your fault. The server's log tells more under request id ${requestId}.`;
}

export const PROBLEM_TYPE = "application/problem+json";
