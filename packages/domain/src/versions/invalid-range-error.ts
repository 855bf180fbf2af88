import { DomainError } from "../domain-error.ts";
import { quoteForMessage } from "../quote-for-message.ts";

/** A text from outside can't be understood as a range of versions. */
export class InvalidRangeError extends DomainError {
  readonly code = "AIBOS_INVALID_RANGE";
  readonly value: string;

  constructor(value: string) {
    super(
      `${quoteForMessage(value)} is not a range of versions. Write one such as ">=1.5.0 <3.0.0", "^1.2.0", "1.x || 2.0.0", or "*" for any.`,
    );
    this.value = value;
  }
}
