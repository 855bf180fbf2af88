import { DomainError } from "@aibos/domain";

/** One thing that is wrong with a manifest, and where. */
export interface ManifestProblem {
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
  /** Dotted, such as `upgrades.blocked.0.from`; blank for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** At most so many problems are in the message; `problems` has them all. */
const SHOWN = 20;

/** A manifest can't be used. The message lists each problem with its place, as compilers do. */
export class ManifestInvalidError extends DomainError {
  readonly code = "AIBOS_MANIFEST_INVALID";
  readonly file: string;
  readonly problems: readonly ManifestProblem[];

  constructor(file: string, problems: readonly ManifestProblem[]) {
    const lines = problems.slice(0, SHOWN).map((problem) => `${file}:${describe(problem)}`);
    if (problems.length > SHOWN) lines.push(`… and ${problems.length - SHOWN} more`);
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super(`The manifest has ${count}; correct it and try again.\n${lines.join("\n")}`);
    this.file = file;
    this.problems = problems;
  }
}

function describe({ line, column, path, message }: ManifestProblem): string {
  return `${line}:${column} ${path === "" ? "" : `${path}: `}${message}`;
}
