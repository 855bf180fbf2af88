import type { FlagSet } from "@aibos/domain";
import type { FlagFeedChange } from "./flag-feed.ts";

/** Puts a change of the feed into a flag set; one for another version is none of its business. */
export function applyFlagFeedChange(set: FlagSet, change: FlagFeedChange): void {
  switch (change.kind) {
    case "setting":
      if (change.version === null || change.version === set.metadata.flagSetVersion) set.apply(change);
      return;
    case "kill":
      return set.setKilled(change.flag, change.killed);
    case "segment":
      return set.setSegment(
        change.segment,
        change.when === null || change.when === undefined ? null : { name: change.segment, when: change.when },
      );
    case "tenant":
      return set.setTenant({ id: change.tenant, labels: change.labels });
  }
}
