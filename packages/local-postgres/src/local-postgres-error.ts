import { DomainError } from "@aibos/domain";

/** The embedded PostgreSQL can't run here. */
export class LocalPostgresError extends DomainError {
  readonly code = "AIBOS_LOCAL_POSTGRES";
  constructor(detail: string, options?: ErrorOptions) {
    super(
      `The embedded PostgreSQL can't run: ${detail} You can also set DATABASE_URL to a server of your own.`,
      options,
    );
  }
}
