import {
  FleetCommandRefusedError,
  type FleetPlan,
  type FleetUpgrade,
  FleetUpgradeActiveError,
  FleetUpgradeNotFoundError,
  type RouteHandlers,
  VersionNotQuarantinedError,
} from "@aibos/contract";
import { commandFleet, type FleetCommand, NO_FLEET_EVIDENCE, type TenantId } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { readCursor } from "../../db/cursor.ts";
import { isRefusedBy } from "../../db/sqlstates.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { release } from "../quarantine/quarantine.ts";
import { listQuarantined } from "../quarantine/quarantine-read-model.ts";
import { listFleets, listMembers, readFleet } from "./fleet-read-model.ts";
import { loadFleet, saveFleet, type StoredFleet } from "./fleet-store.ts";
import { onChange } from "./look-at-fleet.ts";
import { notifyFleet } from "./notify-fleet.ts";
import { describePlan, enterFleet, type FleetRequest } from "./plan-fleet.ts";
import { retryKept } from "./settle-members.ts";
import { tallyMembers } from "./tally-members.ts";
import { tellMembers } from "./tell-members.ts";
import { showPolicy } from "./upgrade-policy-read-model.ts";

type FleetApi = Pick<
  RouteHandlers,
  | "startFleetUpgrade"
  | "planFleetUpgrade"
  | "listFleetUpgrades"
  | "getFleetUpgrade"
  | "listFleetMembers"
  | "commandFleetUpgrade"
  | "getUpgradePolicy"
  | "setUpgradePolicy"
  | "consentToUpgrade"
  | "listQuarantinedVersions"
  | "releaseVersion"
>;

/** Carries a plan out of a transaction that must leave nothing behind. */
class PlannedOnly extends Error {
  readonly plan: FleetPlan;
  constructor(plan: FleetPlan) {
    super("planned only");
    this.plan = plan;
  }
}

export function createFleetApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  now: () => number;
}): FleetApi {
  const { database, modules, now } = options;

  /** One that has not ended keeps others of its module out. */
  async function whileAlone<T>(module: FleetRequest["module"], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isRefusedBy(error, "uniqueViolation", "fleet_upgrades_one_a_module")) throw error;
      const active = await database.db
        .selectFrom("fleet_upgrades")
        .select("id")
        .where("module", "=", module)
        .where("finished_at", "is", null)
        .executeTakeFirst();
      throw new FleetUpgradeActiveError(module, active?.id ?? "of before");
    }
  }

  async function start(request: FleetRequest): Promise<FleetUpgrade> {
    const id = await whileAlone(request.module, () =>
      database.transaction(async (tx) => {
        const { id, scheduledAt } = await enterFleet(tx, modules, request, now());
        await tellMembers(tx, { ...request, id, scheduledAt });
        await notifyFleet(tx, id);
        return id;
      }),
    );
    return readFleet(database.db, id);
  }

  /** The same as starting, and then none of it happened. */
  async function plan(request: FleetRequest): Promise<FleetPlan> {
    try {
      await whileAlone(request.module, () =>
        database.transaction(async (tx) => {
          const entered = await enterFleet(tx, modules, request, now());
          throw new PlannedOnly(await describePlan(tx, request, entered));
        }),
      );
    } catch (error) {
      if (error instanceof PlannedOnly) return error.plan;
      throw error;
    }
    throw new Error("a plan is always thrown");
  }

  async function command(id: string, name: FleetCommand, acceptDataLoss: boolean): Promise<FleetUpgrade> {
    const known = await loadFleet(database, id);
    if (known === undefined) throw new FleetUpgradeNotFoundError(id);
    await whileAlone(known.module, () => database.transaction((tx) => carryOut(tx, id, name, acceptDataLoss)));
    return readFleet(database.db, id);
  }

  async function carryOut(
    tx: ControlTransaction,
    id: string,
    name: FleetCommand,
    acceptDataLoss: boolean,
  ): Promise<void> {
    const stored = await loadFleet(tx, id, "update");
    if (stored === undefined) throw new FleetUpgradeNotFoundError(id);
    const state = commandFleet(stored.state, name, { ...(await tallyMembers(tx, stored)), worse: null });
    if (state === undefined) throw new FleetCommandRefusedError(id, name, stored.state.status);
    const resumes = name === "resume";
    const fleet: StoredFleet = {
      ...stored,
      state: { ...state, acceptDataLoss },
      // Whoever resumes knows what was measured until then.
      ...(resumes && { evidence: NO_FLEET_EVIDENCE }),
    };
    if (resumes) await release(tx, stored.module, stored.version);
    if (name === "rollback") await retryKept(tx, id);
    await onChange(tx, stored.state, fleet);
    await saveFleet(tx, fleet, now());
    await notifyFleet(tx, id);
  }

  return {
    startFleetUpgrade: ({ body }) => start(body),
    planFleetUpgrade: ({ body }) => plan(body),
    getFleetUpgrade: ({ params }) => readFleet(database.db, params.fleetUpgradeId),
    listFleetUpgrades: ({ query: { cursor, limit, ...filter } }) =>
      listFleets(database.db, filter, { after: readCursor(cursor, 2), limit }),
    listFleetMembers: ({ params, query: { cursor, limit, ...filter } }) =>
      listMembers(database.db, params.fleetUpgradeId, filter, { after: readCursor(cursor, 1), limit }),
    commandFleetUpgrade: ({ params, body }) => command(params.fleetUpgradeId, body.command, body.acceptDataLoss),

    async getUpgradePolicy({ params: { tenant, module } }) {
      await readTenantModule(database.db, tenant, module);
      return showPolicy(database.db, tenant, module);
    },

    async setUpgradePolicy({ params: { tenant, module }, body }) {
      await readTenantModule(database.db, tenant, module);
      const policy = JSON.stringify(body);
      await database.transaction(async (tx) => {
        await tx.db
          .insertInto("upgrade_policies")
          .values({ tenant, module, policy })
          .onConflict((conflict) => conflict.columns(["tenant", "module"]).doUpdateSet({ policy }))
          .execute();
        await askAgain(tx, tenant, module);
      });
      return showPolicy(database.db, tenant, module);
    },

    async consentToUpgrade({ params: { tenant, module, version } }) {
      await readTenantModule(database.db, tenant, module);
      await modules.getVersion(module, version);
      await database.transaction(async (tx) => {
        await tx.db
          .insertInto("upgrade_consents")
          .values({ tenant, module, version })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        await askAgain(tx, tenant, module);
      });
      return showPolicy(database.db, tenant, module);
    },

    listQuarantinedVersions: ({ query: { cursor, limit, ...filter } }) =>
      listQuarantined(database.db, filter, { after: readCursor(cursor, 3), limit }),

    async releaseVersion({ params: { module, version } }) {
      const was = await database.transaction((tx) => release(tx, module, version));
      if (!was) throw new VersionNotQuarantinedError(module, version);
      return { module, version };
    },
  };

  /** A tenant that was put off by its policy is asked again when the policy has changed. */
  async function askAgain({ db }: ControlTransaction, tenant: TenantId, module: FleetRequest["module"]): Promise<void> {
    await db
      .updateTable("fleet_upgrade_members as m")
      .from("fleet_upgrades as f")
      .set({ not_before: new Date(now()) })
      .whereRef("f.id", "=", "m.fleet_upgrade_id")
      .where("f.module", "=", module)
      .where("f.finished_at", "is", null)
      .where("m.tenant", "=", tenant)
      .where("m.status", "=", "deferred")
      // Somebody excluded it until then: that is not for the tenant to change.
      .where((eb) => eb.or([eb("m.code", "is", null), eb("m.code", "<>", "excluded")]))
      .execute();
  }
}
