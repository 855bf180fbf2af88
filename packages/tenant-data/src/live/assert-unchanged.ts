import { assertSameHistory } from "../migrations/applied-migrations.ts";
import { MigrationDriftError } from "../migrations/migration-drift-error.ts";
import type { HistoryEntry } from "../migrations/migration.ts";
import type { LiveVersion } from "./live-version.ts";

/** Files of a version that was started never change. @throws MigrationDriftError naming the first that differs */
export function assertUnchanged(live: LiveVersion, files: readonly HistoryEntry[], checksum: string): void {
  if (live.checksum === null || live.checksum === checksum) return;
  assertSameHistory(live.files, files);
  const last = live.files.at(-1);
  if (last !== undefined) throw new MigrationDriftError(last, "the release has more files after it");
}
