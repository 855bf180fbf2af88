import { DomainError } from "@aibos/domain";

/** A statement of a migration file failed. `sqlState` is PostgreSQL's code. */
export class MigrationSqlError extends DomainError {
  readonly code = "AIBOS_MIGRATION_SQL";
  readonly file: string;
  readonly line: number | undefined;
  readonly sqlState: string;
  constructor(
    failure: { file: string; line: number | undefined; sqlState: string; message: string; hint: string | undefined },
    options: ErrorOptions,
  ) {
    const { file, line, sqlState, message, hint } = failure;
    super(
      `${file}${line === undefined ? "" : `:${line}`}: ${message} (SQLSTATE ${sqlState})` +
        (hint === undefined ? "" : ` ${hint}`),
      options,
    );
    this.file = file;
    this.line = line;
    this.sqlState = sqlState;
  }
}
