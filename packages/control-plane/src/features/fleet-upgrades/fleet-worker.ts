import type { Logger } from "pino";
import { DomainError } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { claimMembers, claimReturns, type ClaimedMember, underWayOf } from "./claim-members.ts";
import type { Departures } from "./depart.ts";
import { loadFleet, type StoredFleet, unfinishedFleets } from "./fleet-store.ts";
import type { FleetLooker } from "./look-at-fleet.ts";
import { overdueMigrations } from "./settle-members.ts";
import { tallyMembers } from "./tally-members.ts";

export interface FleetWorker {
  /** Looks at all fleet upgrades once, and starts as many tenants as this process may have. */
  tick(): Promise<void>;
}

/**
 * What one process does for fleet upgrades. All that is known is in the database: a look is one transaction, a claim is
 * one statement, a departure is one transaction. Each process starts up to `concurrency` tenants of a fleet, so that a
 * further one adds as many; none holds more of a fleet in memory than that.
 */
export function createFleetWorker(options: {
  database: ControlDatabase;
  looker: FleetLooker;
  departures: Departures;
  /** Has a migration put back what it did. @throws DomainError where it can't be */
  cancelOperation: (migrationId: string) => Promise<unknown>;
  executorId: string;
  log: Logger;
  now: () => number;
}): FleetWorker {
  const { database, looker, departures, cancelOperation, executorId, log, now } = options;

  async function startSome(
    fleet: StoredFleet,
    claim: (most: number) => Promise<ClaimedMember[]>,
    start: (member: ClaimedMember) => Promise<void>,
  ): Promise<number> {
    const most = fleet.options.concurrency - (await underWayOf(database, fleet.id, executorId));
    if (most <= 0) return 0;
    const claimed = await claim(most);
    await Promise.all(
      claimed.map((member) =>
        start(member).catch((error: unknown) =>
          // The claim runs out, and then somebody tries again.
          log.warn({ fleetUpgradeId: fleet.id, tenant: member.tenant, error }, "a tenant could not be started"),
        ),
      ),
    );
    return claimed.length;
  }

  /** Who takes too long is told to end; what can't be undone any more ends by itself. */
  async function cancelOverdue({ id }: StoredFleet): Promise<void> {
    for (const migrationId of await overdueMigrations(database, id)) {
      await cancelOperation(migrationId).catch((error: unknown) => {
        if (!(error instanceof DomainError)) throw error;
      });
    }
  }

  async function workOn(id: string): Promise<void> {
    let started: number;
    do {
      // Whoever else looks at it now does not keep this process from doing its part.
      const fleet = (await looker.look(id)) ?? (await loadFleet(database, id));
      if (fleet === undefined) return;
      await cancelOverdue(fleet);
      started = 0;
      if (fleet.state.status === "running") {
        started = await startSome(
          fleet,
          (most) => claimMembers(database, fleet, { by: executorId, most, now: now() }),
          (member) => departures.depart(fleet, member),
        );
      } else if (fleet.state.status === "rolling-back") {
        const { moving, open } = await tallyMembers(database, fleet);
        // What still moves forward comes to its end first.
        if (open > 0 && moving > 0) return;
        started = await startSome(
          fleet,
          (most) => claimReturns(database, fleet, { by: executorId, most, now: now() }),
          (member) => departures.takeBack(fleet, member),
        );
      }
      // Tenants that were put off or skipped leave room for others at once.
    } while (started > 0);
  }

  async function tick(): Promise<void> {
    for (const id of await unfinishedFleets(database)) await workOn(id);
  }

  return { tick };
}
