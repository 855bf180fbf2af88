import type { ModuleManifest } from "@aibos/contract";
import { compareVersions, satisfiesRange, type Version } from "@aibos/domain";
import { assertSameHistory } from "@aibos/tenant-data";
import type { ReleaseMigration } from "../../db/control-tables.ts";

/** What a version says about its data and about who may move to it. */
export interface History {
  readonly version: Version;
  readonly upgrades: ModuleManifest["upgrades"];
  readonly migrations: readonly ReleaseMigration[];
}

/**
 * Where an upgrade leads directly from one version to the other, the older one's migrations must be the beginning of
 * the newer one's: otherwise the upgrade would stop at a changed file, for every tenant, long after the release.
 * Versions that no upgrade connects may differ, such as a hotfix of an old line.
 *
 * @throws MigrationDriftError
 */
export function checkHistory(given: History, published: readonly History[]): void {
  for (const other of published) {
    const [older, newer] = compareVersions(other.version, given.version) < 0 ? [other, given] : [given, other];
    if (takesUpgradeFrom(newer, older.version)) {
      assertSameHistory(older.migrations, newer.migrations);
    }
  }
}

function takesUpgradeFrom({ upgrades }: History, version: Version): boolean {
  return (
    upgrades.from !== undefined &&
    satisfiesRange(version, upgrades.from) &&
    !upgrades.blocked.some((blocked) => satisfiesRange(version, blocked.from))
  );
}
