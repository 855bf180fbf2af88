import { DomainError } from "@aibos/domain";

/** The control database was written by a newer program, whose tables this one does not know. */
export class SchemaNewerError extends DomainError {
  readonly code = "AIBOS_SCHEMA_NEWER";
  constructor(found: number, known: number) {
    super(
      `The control database has schema version ${found}; this program knows versions up to ${known}. A newer AI-BOS ` +
        `Versions wrote it: use that one, or another database.`,
    );
  }
}
