/** A request that a module refuses, in its own words: `throw new ProblemError(404, "INVOICE_NOT_FOUND", "…")`. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** Stable code that programs match on. */
  readonly code: string;
  /** Further members of the problem, such as `issues`. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, detail: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}
