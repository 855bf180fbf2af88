import { DataVersionNotLiveError } from "./data-version-not-live-error.ts";
import type { LiveVersion } from "./live-version.ts";

/** Why nothing can be started from a version now; undefined when it can. */
export function refusalToStart(versions: readonly LiveVersion[], from: string): DataVersionNotLiveError | undefined {
  const newest = versions.at(-1);
  if (newest === undefined || (newest.version === from && newest.phase === "active")) return undefined;
  const state = newest.phase === "active" ? "" : ", which is not active yet";
  return new DataVersionNotLiveError(from, `the newest live version is ${newest.version}${state}`);
}
