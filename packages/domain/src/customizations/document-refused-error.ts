import { DomainError } from "../domain-error.ts";

/** Why a document is not taken. */
export type RefusalReason =
  | "syntax"
  | "too-large"
  | "too-deep"
  | "too-many-values"
  | "cycle"
  | "alias-bomb"
  | "forbidden-key"
  | "duplicate-key"
  | "several-documents"
  | "not-json"
  | "not-text";

/** A document from outside is hostile or broken; nothing of it is used. */
export class DocumentRefusedError extends DomainError {
  readonly code = "AIBOS_DOCUMENT_REFUSED";
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, detail: string, options?: ErrorOptions) {
    super(`The document is refused (${reason}): ${detail}.`, options);
    this.reason = reason;
  }
}
