import type { ModuleId } from "../identifiers/module-id.ts";
import type { TenantId } from "../identifiers/tenant-id.ts";
import type { Version } from "../versions/version.ts";
import { SLOTS, type TrafficSplit } from "./traffic-split.ts";
import { xxh32 } from "./xxh32.ts";

/** Seed of a tenant's module: the same user is in different slots for different tenants and modules. */
export function routeSeed(tenant: TenantId, module: ModuleId): number {
  return xxh32(`${tenant}/${module}`, 0);
}

/** The slot of a user, from 0 to {@link SLOTS} − 1, the same wherever it is computed. */
export function slotOf(userKey: string, seed: number): number {
  return xxh32(userKey, seed) % SLOTS;
}

/**
 * The version of a slot. Newest versions take the lowest slots, so that raising the newest one's weight only adds users
 * to it: nobody who saw it goes back. A version of weight 0 gets nobody.
 */
export function chooseVersion(split: TrafficSplit, slot: number): Version {
  let end = 0;
  for (const { version, weight } of split) {
    end += weight;
    if (slot < end) return version;
  }
  return split[0].version;
}
