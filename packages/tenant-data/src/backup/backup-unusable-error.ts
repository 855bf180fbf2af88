import { DomainError } from "@aibos/domain";

/** What is wrong with a backup: stable words for programs. */
export type BackupProblem =
  | "not a backup"
  | "too new"
  | "truncated"
  | "altered"
  | "signature missing"
  | "signature wrong"
  | "statement not allowed";

const NEXT: Record<BackupProblem, string> = {
  "not a backup": "Give a file that AI-BOS Versions wrote as a backup.",
  "too new": "Restore it with the release of AI-BOS Versions that wrote it, or a newer one.",
  truncated: "The end is missing: copy the file again from where it was written, or take another backup.",
  altered: "It is not what was written: copy the file again from where it was written, or take another backup.",
  "signature missing":
    "Somebody without the key wrote it. Take a signed backup, or restore without a key if you trust its origin.",
  "signature wrong":
    "Give the key that it was written with; if you did, somebody changed the file: take another backup.",
  "statement not allowed": "Nothing that AI-BOS Versions writes has such a statement: don't trust the file's origin.",
};

/** A backup can't be used. Nothing was written, or what was written is taken back. */
export class BackupUnusableError extends DomainError {
  readonly code = "AIBOS_BACKUP_UNUSABLE";
  readonly problem: BackupProblem;
  /** Where in the file, in bytes from its start. */
  readonly offset: number;
  constructor(problem: BackupProblem, detail: string, offset: number, options?: ErrorOptions) {
    super(
      `The backup can't be used (${problem}): ${detail}, at byte ${offset}. Nothing was restored. ${NEXT[problem]}`,
      options,
    );
    this.problem = problem;
    this.offset = offset;
  }
}
