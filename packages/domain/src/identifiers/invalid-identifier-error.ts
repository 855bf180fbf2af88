import { DomainError } from "../domain-error.ts";
import { quoteForMessage } from "../quote-for-message.ts";

/** What an identifier from outside was meant to name. */
export type IdentifierKind = "tenant" | "module" | "version" | "installation";

const RULES: Record<IdentifierKind, string> = {
  tenant: slugRule('"acme-gmbh"'),
  module: slugRule('"accounting"'),
  version: 'Write a semantic version such as "1.5.0" or "2.0.0-rc.1": no leading "v", no "+build".',
  installation: "It is 8 hexadecimal digits in lower case.",
};

/** A text from outside is not written as an identifier of its kind must be. */
export class InvalidIdentifierError extends DomainError {
  readonly code = "AIBOS_INVALID_IDENTIFIER";
  readonly kind: IdentifierKind;
  readonly value: string;

  constructor(kind: IdentifierKind, value: string) {
    super(`${quoteForMessage(value)} is not a valid ${kind} identifier. ${RULES[kind]}`);
    this.kind = kind;
    this.value = value;
  }
}

function slugRule(example: string): string {
  return (
    `Use 1 to 40 lower-case letters, digits and single dashes, starting with a letter and not ending with a dash, ` +
    `such as ${example}.`
  );
}
