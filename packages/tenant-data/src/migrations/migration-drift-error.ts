import { DomainError } from "@aibos/domain";

/** A migration that data went through is not the one of the release any more. */
export class MigrationDriftError extends DomainError {
  readonly code = "AIBOS_MIGRATION_DRIFT";
  readonly number: number;
  constructor({ number, name }: { number: number; name: string }, detail: string) {
    super(
      `Migration ${String(number).padStart(3, "0")}_${name} was published or applied before, but ${detail}. ` +
        `Published migrations never change: restore the file, and put the change into a new one.`,
    );
    this.number = number;
  }
}
