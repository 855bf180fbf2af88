import type { Version } from "../versions/version.ts";
import { SLOTS, type TrafficSplit } from "./traffic-split.ts";
import { xxh32 } from "./xxh32.ts";

/**
 * The slot of a user, from 0 to {@link SLOTS} − 1, the same wherever it is computed: XXH32 with seed 0 of
 * `<tenant>/<module>/<user's key>`, modulo 10,000. The route is part of what is hashed, so that a user is in different
 * slots for different tenants and modules; and not the seed, because proxies such as HAProxy take only a constant there.
 *
 * @param routeKey `<tenant>/<module>`
 */
export function slotOf(routeKey: string, userKey: string): number {
  return xxh32(`${routeKey}/${userKey}`, 0) % SLOTS;
}

/**
 * The version of a slot, out of weights that add up to {@link SLOTS}, newest version first. Newest versions take the
 * lowest slots, so that raising the newest one's weight only adds users to it: nobody who saw it goes back. A version
 * of weight 0 gets nobody.
 */
export function versionOfSlot<W extends { readonly weight: number }>(weights: readonly [W, ...W[]], slot: number): W {
  let end = 0;
  for (const version of weights) {
    end += version.weight;
    if (slot < end) return version;
  }
  return weights[0];
}

/** The same for a traffic split. */
export function chooseVersion(split: TrafficSplit, slot: number): Version {
  return versionOfSlot(split, slot).version;
}
