import { versionOfSlot } from "@aibos/domain";
import { type RouteEntry, type RouteVersion, versionOf } from "./route-entry.ts";
import type { RequestFacts } from "./request-facts.ts";

/**
 * The version that a request gets on a route, by the first of these that says something:
 *
 * 1. a tester's token for a version that serves;
 * 2. the first match rule that the request meets and whose version serves;
 * 3. for a user who came before the newest change of weights, the weights that are kept for such users;
 * 4. the weights. A version of weight 0 gets nobody, whatever the user had before.
 */
export function versionFor(entry: RouteEntry, facts: RequestFacts): RouteVersion {
  const tested = facts.testedVersion(entry.route);
  const wanted = tested === undefined ? undefined : versionOf(entry, tested);
  if (wanted !== undefined) return wanted;
  if (entry.policy === undefined) {
    return entry.versions.length === 1 ? entry.versions[0] : versionOfSlot(entry.versions, facts.slot);
  }
  const { rules, leaving } = entry.policy;
  const ruled = rules(facts, (version) => versionOf(entry, version) !== undefined);
  const kept =
    ruled === undefined && leaving !== undefined && facts.now < leaving.until && facts.bornAt < leaving.since
      ? versionOfSlot(leaving.weights, facts.slot).version
      : ruled;
  const found = kept === undefined ? undefined : versionOf(entry, kept);
  return found ?? versionOfSlot(entry.versions, facts.slot);
}
