import { DomainError } from "@aibos/domain";

/**
 * A statement of the transaction had failed and the callback went on: PostgreSQL answers such a COMMIT with a rollback,
 * and without this error the request would look as if it had been stored.
 */
export class TransactionLostError extends DomainError {
  readonly code = "AIBOS_TRANSACTION_LOST";

  constructor() {
    super(
      "Nothing was stored: a statement of the transaction failed and its error was caught. Let the error pass, or use " +
        "SAVEPOINT around a statement that may fail.",
    );
  }
}
