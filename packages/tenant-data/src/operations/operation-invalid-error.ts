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
