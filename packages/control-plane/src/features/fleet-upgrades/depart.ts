import { DomainError, decideDeparture, type ModuleId, type TenantId } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { OperationRequest } from "../../db/control-tables.ts";
import { readDeclared } from "../freezes/freeze-read-model.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import type { ClaimedMember } from "./claim-members.ts";
import { loadFleet, type StoredFleet } from "./fleet-store.ts";
import { policyOf, readConsents, readPolicy } from "./upgrade-policy-read-model.ts";

/** Enters an operation and starts its workflow. `also` is part of the transaction that enters it. */
export type StartSponsored = (
  tenant: TenantId,
  module: ModuleId,
  request: OperationRequest,
  sponsor: { fleetUpgradeId: string; also: (tx: ControlTransaction, migrationId: string) => Promise<void> },
) => Promise<void>;

export interface Departures {
  /** Starts a claimed tenant's migration, puts it off, or skips it with the reason. */
  depart(fleet: StoredFleet, member: ClaimedMember): Promise<void>;
  /** Starts taking a moved tenant back. */
  takeBack(fleet: StoredFleet, member: ClaimedMember): Promise<void>;
}

/** The claim or the state of the fleet is not what it was: whoever changed it decides. */
class OvertakenError extends Error {
  override readonly name = "OvertakenError";
}

/** What says that it is not the tenant's turn, rather than that something is wrong with it. */
const SKIPS: Readonly<Record<string, string>> = {
  AIBOS_OPERATION_IN_PROGRESS: "busy",
  AIBOS_ROLLOUT_ACTIVE: "busy",
  AIBOS_SIDE_BY_SIDE_ACTIVE: "side-by-side",
  AIBOS_FROZEN: "frozen",
  AIBOS_ALREADY_ON_VERSION: "already-there",
  AIBOS_NO_UPGRADE_PATH: "no-path",
  AIBOS_REHEARSAL_REQUIRED: "not-rehearsed",
  AIBOS_MODULE_NOT_INSTALLED: "not-installed",
  AIBOS_TENANT_NOT_FOUND: "not-installed",
};

/**
 * Everything that happens to one member of a fleet before its migration runs by itself. The migration is entered in the
 * transaction that marks the member as moving: a process that is killed before leaves a claim that others take over, one
 * that is killed after leaves a migration that others finish. There is nothing in between.
 */
export function createDepartures(options: {
  database: ControlDatabase;
  startOperation: StartSponsored;
  now: () => number;
}): Departures {
  const { database, startOperation, now } = options;

  async function change(
    fleet: StoredFleet,
    tenant: TenantId,
    from: "claimed" | "returning",
    set: Partial<{
      status: "deferred" | "skipped" | "failed" | "kept";
      code: string;
      reason: string;
      not_before: Date;
      settled_at: Date;
    }>,
  ): Promise<void> {
    await database.db
      .updateTable("fleet_upgrade_members")
      .set(set)
      .where("fleet_upgrade_id", "=", fleet.id)
      .where("tenant", "=", tenant)
      .where("status", "=", from)
      .where("return_migration_id", "is", null)
      .execute();
  }

  async function decide({ module, version, options }: StoredFleet, { tenant, fromVersion }: ClaimedMember) {
    const [policy, consents] = [
      await readPolicy(database.db, tenant, module),
      await readConsents(database.db, tenant, module),
    ];
    const own = policyOf(policy);
    const declared = await readDeclared(database.db, { tenant, module }, now());
    return decideDeparture({
      policy: { ...own, freezes: [...own.freezes, ...declared] },
      from: fromVersion,
      to: version,
      consented: consents.includes(version),
      heedWindow: options.window === "tenant",
      deadline: options.deadline === undefined ? null : Date.parse(options.deadline),
      now: now(),
    });
  }

  return {
    async depart(fleet, member) {
      const { tenant } = member;
      const departure = await decide(fleet, member);
      if (departure.kind === "wait") {
        const { until, reason } = departure;
        return change(fleet, tenant, "claimed", { status: "deferred", reason, not_before: new Date(until) });
      }
      if (departure.kind === "skip") {
        const { code, reason } = departure;
        return change(fleet, tenant, "claimed", { status: "skipped", code, reason, settled_at: new Date(now()) });
      }
      const request: OperationRequest = {
        kind: "migrate",
        version: fleet.version,
        rollbackOnFailure: fleet.options.onFailure === "rollback",
        preserveCustomizations: fleet.options.preserveCustomizations,
        observe: fleet.options.observe,
        soak: fleet.options.soak,
        acceptDataLoss: false,
      };
      try {
        await startOperation(tenant, fleet.module, request, {
          fleetUpgradeId: fleet.id,
          also: (tx, migrationId) => markMoving(tx, fleet, tenant, migrationId, now()),
        });
      } catch (error) {
        if (error instanceof OvertakenError) return;
        if (!(error instanceof DomainError)) throw error;
        const skip = SKIPS[error.code];
        await change(fleet, tenant, "claimed", {
          status: skip === undefined ? "failed" : "skipped",
          code: skip ?? error.code,
          reason: error.message,
          settled_at: new Date(now()),
        });
      }
    },

    async takeBack(fleet, { tenant, fromVersion }) {
      const { module, version } = fleet;
      const { acceptDataLoss } = fleet.state;
      const request: OperationRequest = { kind: "rollback", version: fromVersion, acceptDataLoss };
      try {
        await startOperation(tenant, module, request, {
          fleetUpgradeId: fleet.id,
          also: async (tx, migrationId) => {
            const { live } = await readTenantModule(tx.db, tenant, module);
            if (live.every((instance) => instance.version !== version)) throw new MovedOnError(tenant, version);
            await markReturning(tx, fleet, tenant, migrationId);
          },
        });
      } catch (error) {
        if (error instanceof OvertakenError) return;
        const known = error instanceof DomainError || error instanceof MovedOnError;
        if (!known) throw error;
        const code = error instanceof DomainError ? error.code : "moved-on";
        await change(fleet, tenant, "returning", { status: "kept", code, reason: error.message });
      }
    },
  };
}

/** Somebody moved the tenant after the fleet upgrade did: that is not for it to take back. */
class MovedOnError extends Error {
  override readonly name = "MovedOnError";
  constructor(tenant: TenantId, version: string) {
    super(`Tenant "${tenant}" does not run ${version} any more; it was moved since.`);
  }
}

async function markMoving(
  tx: ControlTransaction,
  fleet: StoredFleet,
  tenant: TenantId,
  migrationId: string,
  now: number,
): Promise<void> {
  const current = await loadFleet(tx, fleet.id, "share");
  if (current?.state.status !== "running") throw new OvertakenError(`${fleet.id} does not run any more.`);
  const marked = await tx.db
    .updateTable("fleet_upgrade_members")
    .set({ status: "moving", migration_id: migrationId, started_at: new Date(now), code: null, reason: null })
    .where("fleet_upgrade_id", "=", fleet.id)
    .where("tenant", "=", tenant)
    .where("status", "=", "claimed")
    .executeTakeFirst();
  if (marked.numUpdatedRows !== 1n) throw new OvertakenError(`${tenant} was taken by another process.`);
}

async function markReturning(
  tx: ControlTransaction,
  fleet: StoredFleet,
  tenant: TenantId,
  migrationId: string,
): Promise<void> {
  const marked = await tx.db
    .updateTable("fleet_upgrade_members")
    .set({ return_migration_id: migrationId })
    .where("fleet_upgrade_id", "=", fleet.id)
    .where("tenant", "=", tenant)
    .where("status", "=", "returning")
    .where("return_migration_id", "is", null)
    .executeTakeFirst();
  if (marked.numUpdatedRows !== 1n) throw new OvertakenError(`${tenant} was taken by another process.`);
}
