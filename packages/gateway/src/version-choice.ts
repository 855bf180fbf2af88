import { chooseVersion, slotOf } from "@aibos/domain";
import type { RouteEntry, RouteVersion } from "./route-entry.ts";

/** The version that a user gets on a route. A version of weight 0 gets nobody, whatever the user had before. */
export function versionFor(entry: RouteEntry, userKey: string): RouteVersion {
  const version = entry.versions.get(chooseVersion(entry.split, slotOf(userKey, entry.seed)));
  if (version === undefined) throw new RangeError(`The split of ${entry.key} names a version that the route lacks.`);
  return version;
}
