import { type FleetState, judgeFleet, moveFleet } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { GroupWindowReadModel } from "../measurements/group-window-read-model.ts";
import { quarantine } from "../quarantine/quarantine.ts";
import { courseOf, loadFleet, saveFleet, type StoredFleet } from "./fleet-store.ts";
import { notifyFleet } from "./notify-fleet.ts";
import { cancelWaiting, markOverdue, settleMembers } from "./settle-members.ts";
import { tellMembers } from "./tell-members.ts";
import { tallyMembers } from "./tally-members.ts";
import { watchFleetTraffic } from "./watch-fleet-traffic.ts";

export interface FleetLooker {
  /** Settles what has ended, judges, and moves on, in one transaction; undefined while somebody else does, or when there is none. */
  look(fleetUpgradeId: string): Promise<StoredFleet | undefined>;
}

export function createFleetLooker(options: {
  database: ControlDatabase;
  windows: GroupWindowReadModel;
  now: () => number;
}): FleetLooker {
  const { database, windows, now } = options;
  return {
    look: (id) =>
      database.transaction(async (tx) => {
        const stored = await loadFleet(tx, id, "skip");
        if (stored === undefined) return undefined;
        const settled = await settleMembers(tx, id);
        await markOverdue(tx, stored, now());
        const watched = stored.state.status === "running" ? await watchFleetTraffic(windows, stored, now()) : stored;
        const seen: StoredFleet = { ...stored, ...watched };
        const found = judgeFleet(seen.evidence, judgementPolicyOf(seen));
        const look = { ...(await tallyMembers(tx, seen)), worse: found.verdict === "worse" ? found.sentence : null };
        const state = moveFleet(seen.state, courseOf(seen), look, now());
        const begins = stored.state.status === "planned" && state.status === "running";
        const fleet = { ...seen, state, startedAt: begins ? now() : seen.startedAt };
        await onChange(tx, stored.state, fleet);
        await tellMembers(tx, fleet);
        if (state !== stored.state || settled > 0 || seen.seenUntil !== stored.seenUntil) {
          await saveFleet(tx, fleet, now());
          await notifyFleet(tx, id);
        }
        return fleet;
      }),
  };
}

export function judgementPolicyOf({ options: { judgement } }: Pick<StoredFleet, "options">) {
  return {
    alpha: judgement.alpha,
    tolerated: { "error-rate": judgement.toleratedErrorRate, p95: judgement.toleratedLatency },
  };
}

/** What a change of its status brings along for others. */
export async function onChange(tx: ControlTransaction, before: FleetState, fleet: StoredFleet): Promise<void> {
  const { id, module, version, state } = fleet;
  if (state.status === before.status) return;
  if (state.status === "halted") {
    const reason = state.reason.replace(/^Halted: /, "");
    await quarantine(tx, { module, version, reason, fleetUpgradeId: id });
  }
  if (state.status === "cancelling" || state.status === "rolling-back") await cancelWaiting(tx, id);
}
