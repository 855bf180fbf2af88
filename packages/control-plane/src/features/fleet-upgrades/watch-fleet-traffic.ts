import { sql } from "kysely";
import { type FleetGroups, observeFleet, type VersionWindow } from "@aibos/domain";
import type { GroupWindowReadModel } from "../measurements/group-window-read-model.ts";
import type { StoredFleet } from "./fleet-store.ts";

const WINDOW_MS = 10_000;
/** Gateways send what they measured with a delay: a window is read so many milliseconds after its end. */
const LATE_MS = 3_000;
/** Windows that are read at one look; the rest at the next ones. */
const MOST = 30;

const EMPTY: VersionWindow = { requests: 0, errors: 0, latency: [] };

/**
 * Adds to the evidence the windows that have ended since the last look, each with the one that lay as far before the
 * fleet upgrade's beginning as it lies after it. Both have the same tenants in the same groups: those that were moved
 * when the later window began, and those that nobody had touched when it ended.
 */
export async function watchFleetTraffic(
  windows: GroupWindowReadModel,
  fleet: StoredFleet,
  now: number,
): Promise<Pick<StoredFleet, "evidence" | "seenUntil">> {
  const { id, module, startedAt, options } = fleet;
  if (startedAt === null || !options.judgement.enabled) return fleet;
  const base = Math.ceil(startedAt / WINDOW_MS) * WINDOW_MS;
  const until = Math.floor((now - LATE_MS) / WINDOW_MS) * WINDOW_MS;
  let seenUntil = Math.max(fleet.seenUntil ?? base, base);
  let { evidence } = fleet;
  const tolerated = { "error-rate": options.judgement.toleratedErrorRate, p95: options.judgement.toleratedLatency };

  const groupsAt = async (membersAt: number, windowAt: number): Promise<FleetGroups> => {
    const members = sql`
      select tenant, case when status = 'moved' and settled_at <= ${new Date(membersAt)} then 'moved' else 'others' end as of_group
      from fleet_upgrade_members
      where fleet_upgrade_id = ${id} and (
        (status = 'moved' and settled_at <= ${new Date(membersAt)})
        or started_at is null or started_at >= ${new Date(membersAt + WINDOW_MS)})`;
    const found = await windows.read(members, module, windowAt);
    return { moved: found["moved"] ?? EMPTY, others: found["others"] ?? EMPTY };
  };

  for (let read = 0; seenUntil + WINDOW_MS <= until && read < MOST; read += 1) {
    const after = await groupsAt(seenUntil, seenUntil);
    // Nobody was moved yet: there is nothing to compare.
    if (after.moved.requests > 0) {
      // The last window before the beginning for the first one after it, and so on.
      const before = await groupsAt(seenUntil, 2 * base - seenUntil - 2 * WINDOW_MS);
      evidence = observeFleet(evidence, { after, before }, tolerated);
    }
    seenUntil += WINDOW_MS;
  }
  return { evidence, seenUntil };
}
