import { DomainError } from "@aibos/domain";

/** A file that can't be one transaction was begun and not finished: what of it is done, nobody knows. */
export class MigrationInterruptedError extends DomainError {
  readonly code = "AIBOS_MIGRATION_INTERRUPTED";
  readonly number: number;
  constructor({ number, name }: { number: number; name: string }) {
    super(
      `Migration ${String(number).padStart(3, "0")}_${name} was interrupted, and some of its statements may have run: ` +
        "it is not one transaction. Restore the rollback point from before it, then migrate again.",
    );
    this.number = number;
  }
}
