import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** How the names of the files begin that an operation writes, one a try. */
export function backupFileStart(operation: { tenant: string; module: string; migrationId: string }): string {
  return `${operation.tenant}.${operation.module}.${operation.migrationId}.`;
}

/**
 * Where backups are kept: a folder. With several control planes on other machines it must be one that all of them reach,
 * such as a mounted share.
 */
export interface BackupFolder {
  readonly folder: string;
  /** Where a file is, or is to be; the folder is there afterwards. Nobody else on the machine may read it. */
  place(file: string): Promise<string>;
  has(file: string): Promise<boolean>;
  /** Removes all files whose names begin so, those that were not finished included, but for one. */
  removeBeginning(start: string, except?: string): Promise<void>;
}

export function openBackupFolder(folder: string): BackupFolder {
  return {
    folder,
    async place(file) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return join(folder, file);
    },
    has: (file) =>
      stat(join(folder, file)).then(
        (found) => found.isFile(),
        () => false,
      ),
    async removeBeginning(start, except) {
      const names = await readdir(folder).catch(() => []);
      for (const name of names) {
        const isOne = name !== except && name.replace(/^\./, "").startsWith(start);
        if (isOne) await rm(join(folder, name), { force: true });
      }
    },
  };
}
