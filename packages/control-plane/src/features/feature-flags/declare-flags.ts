import { FlagsBreakingError, type ModuleManifest } from "@aibos/contract";
import { breakingFlagChanges, type FlagBreak, parseFlagDefinitions } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import { readFlagDefinitions, readLiveVersions } from "./flag-read-model.ts";

/**
 * Stores what a new version declares. Resolves to what that breaks for tenants of other versions.
 *
 * @throws FlagsBreakingError for what the manifest does not say it means
 */
export async function declareFlags(tx: ControlTransaction, manifest: ModuleManifest): Promise<FlagBreak[]> {
  const { id: module, version, flags, breakingFlags } = manifest;
  const { definitions } = parseFlagDefinitions(flags);
  const breaks = new Map<string, FlagBreak>();
  for (const live of await readLiveVersions(tx.db, module)) {
    for (const broken of breakingFlagChanges(await readFlagDefinitions(tx.db, module, live), definitions)) {
      breaks.set(broken.flag, { ...broken, message: `${broken.message}, which ${live} declares` });
    }
  }
  const unmeant = [...breaks.values()].filter(({ flag }) => !breakingFlags.includes(flag));
  if (unmeant.length > 0) throw new FlagsBreakingError(module, version, unmeant);
  const rows = Object.entries(flags).map(([key, definition]) => ({
    module,
    version,
    key,
    definition: JSON.stringify(definition),
  }));
  if (rows.length > 0) await tx.db.insertInto("feature_flags").values(rows).execute();
  return [...breaks.values()];
}
