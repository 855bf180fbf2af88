import { DomainError } from "@aibos/domain";

/** Something outside a schema needs what is in it, and would stay with the data that a copy replaces. */
export class RestoreBlockedError extends DomainError {
  readonly code = "AIBOS_RESTORE_BLOCKED";
  constructor(schema: string, references: readonly string[]) {
    super(
      `A copy can't take the place of schema ${schema}: ${references.slice(0, 5).join("; ")}` +
        `${references.length > 5 ? `; and ${references.length - 5} more` : ""}. ` +
        "It would stay with the replaced data: drop it, restore, and make it again.",
    );
  }
}
