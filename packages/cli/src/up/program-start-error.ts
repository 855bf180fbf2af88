import { DomainError } from "@aibos/domain";

/** A program that `up` started told why it can't run, or ended before it was ready. */
export class ProgramStartError extends DomainError {
  readonly code: string;
  readonly program: string;
  readonly logFile: string;

  constructor(failed: { program: string; code: string; message: string; logFile: string }) {
    super(failed.message);
    this.code = failed.code;
    this.program = failed.program;
    this.logFile = failed.logFile;
  }
}
