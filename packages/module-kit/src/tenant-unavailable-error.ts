import { DomainError } from "@aibos/domain";

/**
 * A tenant's data can't be reached for the moment: 503 with Retry-After. Either this version is shut out because the
 * tenant is being moved, or the database does not answer.
 */
export class TenantUnavailableError extends DomainError {
  readonly code = "AIBOS_TENANT_UNAVAILABLE";
  readonly retryAfterSeconds = 1;

  constructor(reason: "shut-out" | "no-database", cause: unknown) {
    super(
      reason === "shut-out"
        ? "This version does not serve the tenant at the moment. Send the request again shortly."
        : "The database does not answer. Send the request again shortly.",
      { cause },
    );
  }
}
