import { DomainError } from "@aibos/domain";

/** A module's folder can't be packed, or its archive is damaged or holds something that is not allowed. */
export class ArchiveInvalidError extends DomainError {
  readonly code = "AIBOS_ARCHIVE_INVALID";
  /** The file or entry in question; null when it is the archive as a whole. */
  readonly path: string | null;

  constructor(path: string | null, problem: string, options?: ErrorOptions) {
    const where = path === null ? "The module's archive" : `In the module's archive, ${quote(path)}`;
    super(`${where} ${problem}`, options);
    this.path = path;
  }
}

/** Paths come from outside: control characters are escaped, and long ones cut. */
function quote(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}
