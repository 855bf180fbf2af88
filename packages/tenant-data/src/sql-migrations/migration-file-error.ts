import { DomainError } from "@aibos/domain";

/** A module's migration file is not named or written as it must be. */
export class MigrationFileError extends DomainError {
  readonly code = "AIBOS_MIGRATION_FILE";
  readonly file: string;
  readonly line: number | undefined;
  constructor(file: string, detail: string, line?: number) {
    super(`${file}${line === undefined ? "" : `:${line}`}: ${detail}.`);
    this.file = file;
    this.line = line;
  }
}
