import { MigrationDriftError } from "../sql-migrations/migration-drift-error.ts";
import type { OperationFile } from "../operations/parse-operations.ts";
import type { LiveVersion } from "./live-version.ts";

/** Files of a version that was started never change. @throws MigrationDriftError naming the first that differs */
export function assertUnchanged(live: LiveVersion, files: readonly OperationFile[], checksum: string): void {
  if (live.checksum === null || live.checksum === checksum) return;
  for (const [index, before] of live.files.entries()) {
    const now = files[index];
    if (now === undefined) throw new MigrationDriftError(before, "the release does not have it");
    if (now.name !== before.name) throw new MigrationDriftError(before, `the release has ${now.name} in its place`);
    if (now.checksum !== before.checksum) throw new MigrationDriftError(before, "its content was changed");
  }
  const last = live.files.at(-1);
  if (last !== undefined) throw new MigrationDriftError(last, "the release has more files after it");
}
