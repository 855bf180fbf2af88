import { DomainError, type ModuleId, type Version } from "@aibos/domain";

/** A release's changes to the data can't be taken back with every write kept. */
export class DataNotReversibleError extends DomainError {
  readonly code = "AIBOS_DATA_NOT_REVERSIBLE";
  constructor(module: ModuleId, from: Version, to: Version, detail: string) {
    super(
      `${module} ${from} can't be taken back to ${to} with every write kept: ${detail}. Restore the rollback point ` +
        `instead, with --accept-data-loss if writes were made since.`,
    );
  }
}
