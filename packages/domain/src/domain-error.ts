/**
 * Base of every failure that the project names. `code` is stable ("AIBOS_…") and is what programs match on; the
 * message is for people and says what was wrong, where, and what to do next. Knows nothing of HTTP or exit codes.
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
