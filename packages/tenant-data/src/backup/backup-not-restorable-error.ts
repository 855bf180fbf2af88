import { DomainError } from "@aibos/domain";

/** A sound backup that can't be restored at this place, or not as things are; everything was taken back. */
export class BackupNotRestorableError extends DomainError {
  readonly code = "AIBOS_BACKUP_NOT_RESTORABLE";
  readonly schema: string;
  constructor(schema: string, reason: string, options?: ErrorOptions) {
    super(`The backup can't be restored as schema ${schema}: ${reason} Nothing was restored.`, options);
    this.schema = schema;
  }
}
