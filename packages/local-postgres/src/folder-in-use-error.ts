import { DomainError } from "@aibos/domain";

/** Another run uses the folder. */
export class FolderInUseError extends DomainError {
  readonly code = "AIBOS_DATA_FOLDER_IN_USE";
  readonly folder: string;
  constructor(folder: string, holder: string) {
    super(
      `The folder ${folder} is used by another run (${holder}). Stop that one, or choose another folder with --data-dir.`,
    );
    this.folder = folder;
  }
}
