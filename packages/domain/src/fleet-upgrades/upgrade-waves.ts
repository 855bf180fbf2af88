/** A part of a fleet that is moved and watched before the next one begins. */
export interface UpgradeWave {
  /**
   * Where it ends: `canary`, with the last tenant that is labelled as one; or with this share of all tenants, in percent
   * (those of earlier waves included).
   */
  readonly upTo: "canary" | number;
  /** How long the fleet is watched after its last tenant, in seconds. */
  readonly soakSeconds: number;
}

/** A wave with the tenants that are in it, by their place in the fleet's order, from 0. `end` is excluded. */
export interface PlannedWave {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Batches, numbered through the whole fleet from 0; `lastBatch` is included. */
  readonly firstBatch: number;
  readonly lastBatch: number;
  readonly soakSeconds: number;
}

/**
 * Divides a fleet into waves and each wave into batches of `batchSize` at most. A wave that would be empty is left out;
 * whoever is in no wave goes with the last one, the rest. At least one tenant goes with each share above zero.
 */
export function planWaves(
  fleet: { readonly tenants: number; readonly canaries: number },
  waves: readonly UpgradeWave[],
  batchSize: number,
): PlannedWave[] {
  const planned: PlannedWave[] = [];
  let start = 0;
  let batch = 0;
  const add = (name: string, end: number, soakSeconds: number): void => {
    if (end <= start) return;
    const batches = Math.ceil((end - start) / batchSize);
    planned.push({ name, start, end, firstBatch: batch, lastBatch: batch + batches - 1, soakSeconds });
    start = end;
    batch += batches;
  };
  for (const { upTo, soakSeconds } of waves) {
    const end = upTo === "canary" ? fleet.canaries : Math.min(fleet.tenants, Math.ceil((fleet.tenants * upTo) / 100));
    add(upTo === "canary" ? "canary" : upTo >= 100 ? "rest" : `${upTo} %`, end, soakSeconds);
  }
  add("rest", fleet.tenants, 0);
  return planned;
}
