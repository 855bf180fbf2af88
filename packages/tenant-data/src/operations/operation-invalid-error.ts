import { DatabaseError } from "pg";
import { DomainError } from "@aibos/domain";

/** An operation can't be done to the data as it is; nothing was changed. */
export class OperationInvalidError extends DomainError {
  readonly code = "AIBOS_OPERATION_INVALID";
  /** File and operation. */
  readonly where: string;
  /** PostgreSQL's code, where the server said so. */
  readonly sqlState: string | undefined;
  constructor(where: string, detail: string, options: ErrorOptions & { sqlState?: string | undefined } = {}) {
    super(`${where}: ${detail}`, options);
    this.where = where;
    this.sqlState = options.sqlState;
  }
}

/** What the server says of a statement is about the operation that it came from; other failures stay what they are. */
export function invalidOperation(error: unknown, where: string): unknown {
  if (!(error instanceof DatabaseError) || /^(08|40|53|55|57)/.test(error.code ?? "")) return error;
  const hint = error.hint === undefined ? "" : ` ${error.hint}`;
  return new OperationInvalidError(where, `${error.message} (SQLSTATE ${error.code})${hint}`, {
    cause: error,
    sqlState: error.code,
  });
}
