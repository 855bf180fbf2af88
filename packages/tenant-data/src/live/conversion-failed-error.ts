import { DomainError } from "@aibos/domain";

/** A row can't be brought to a new version; the version is not visible to anybody. */
export class ConversionFailedError extends DomainError {
  readonly code = "AIBOS_CONVERSION_FAILED";
  readonly table: string;
  /** The row's key as JSON, or its place in the table when it has no key. */
  readonly row: string;
  readonly expression: string | undefined;
  constructor(
    failure: { version: string; table: string; row: string; column?: string; expression?: string; message: string },
    options: ErrorOptions,
  ) {
    const { version, table, row, column, expression, message } = failure;
    super(
      `Table "${table}", row ${row}, can't be brought to ${version}: ${message}.` +
        (expression === undefined ? "" : ` The "up" of column "${column}" is: ${expression.trim()}.`) +
        " Correct the row, or the release, then start again; nothing of the new version is visible.",
      options,
    );
    this.table = table;
    this.row = row;
    this.expression = expression;
  }
}
