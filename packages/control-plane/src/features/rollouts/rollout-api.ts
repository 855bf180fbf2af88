import {
  type Rollout,
  RolloutActiveError,
  RolloutCommandRefusedError,
  RolloutCoolingDownError,
  RolloutNotFoundError,
  type RolloutPolicy,
  type RouteHandlers,
  VersionNotLiveError,
} from "@aibos/contract";
import {
  beginRollout,
  commandRollout,
  type ModuleId,
  NO_EVIDENCE,
  type RolloutCommand,
  type TenantId,
  type Version,
} from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { readCursor } from "../../db/cursor.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import { requireIdle } from "../migrations/running-operation.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { applyMove, TenantBusyError } from "./apply-move.ts";
import type { RolloutLooker } from "./look-at-rollout.ts";
import { courseOf, resolvePolicy } from "./resolve-policy.ts";
import { activeRollout, listRollouts, readRollout } from "./rollout-read-model.ts";
import { commonPolicy, readTenantPolicies, writeTenantPolicy } from "./tenant-policies.ts";
import { insertRollout, loadRollout, RolloutChangedError } from "./rollout-store.ts";

type RolloutApi = Pick<
  RouteHandlers,
  "startRollout" | "getRollout" | "listRollouts" | "commandRollout" | "setRolloutPolicy" | "getRolloutPolicy"
>;

/** A rollout to start. */
export interface RolloutRequest {
  readonly module: ModuleId;
  readonly tenants: readonly TenantId[];
  readonly oldVersion?: Version | undefined;
  readonly newVersion: Version;
  readonly policy: Partial<RolloutPolicy>;
  readonly insist: boolean;
}

/** Starts a rollout of one tenant, or lets the one that runs take its next step. */
export type AdvanceRollout = (
  request: Pick<RolloutRequest, "module" | "newVersion"> & { tenant: TenantId; oldVersion: Version },
) => Promise<Rollout>;

export function createRolloutApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  looker: RolloutLooker;
  now: () => number;
}): { handlers: RolloutApi; advance: AdvanceRollout } {
  const { database, modules, looker, now } = options;

  async function start(request: RolloutRequest): Promise<Rollout> {
    const { module, tenants, newVersion } = request;
    const { manifest } = await modules.getVersion(module, newVersion);
    const id = await database.transaction(async (tx) => {
      const [first] = tenants;
      const own = commonPolicy(await readTenantPolicies(tx, tenants, module), request.policy);
      const policy = resolvePolicy(request.policy, own, manifest.rollout);
      const oldVersions = new Set<Version>();
      let share = 0;
      for (const tenant of tenants.toSorted()) {
        const found = await checkTenant(tx, request, tenant);
        oldVersions.add(found.oldVersion);
        share = Math.max(share, found.share);
        if (!request.insist) await checkCooldown(tx, { tenant, module, version: newVersion }, policy.cooldownSeconds);
      }
      const [oldVersion, other] = [...oldVersions];
      if (oldVersion === undefined || other !== undefined) {
        throw new VersionNotLiveError(first ?? ("" as TenantId), module, newVersion, [...oldVersions]);
      }
      const state = beginRollout(courseOf(policy), share, now());
      return insertRollout(tx, {
        module,
        flag: null,
        oldVersion,
        newVersion,
        policy,
        state,
        evidence: NO_EVIDENCE,
        tenants,
      });
    });
    // The first step begins at once when nothing keeps it; otherwise a later look does it.
    await looker.look(id).catch((error: unknown) => {
      if (!(error instanceof TenantBusyError || error instanceof RolloutChangedError)) throw error;
    });
    return readRollout(database.db, id);
  }

  /** The version that the tenant's users come from, and the share of both versions' users that the new one has. */
  async function checkTenant(
    tx: ControlTransaction,
    request: RolloutRequest,
    tenant: TenantId,
  ): Promise<{ oldVersion: Version; share: number }> {
    const { module, newVersion } = request;
    const { live } = await readTenantModule(tx.db, tenant, module);
    await requireIdle(tx.db, { tenant, module });
    const active = await activeRollout(tx.db, tenant, module);
    if (active !== undefined) throw new RolloutActiveError(tenant, module, active);
    const versions = live.map(({ version }) => version);
    const others = versions.filter((version) => version !== newVersion);
    const oldVersion = request.oldVersion ?? (others.length === 1 ? others[0] : undefined);
    for (const version of [newVersion, oldVersion]) {
      if (version === undefined || !versions.includes(version)) {
        throw new VersionNotLiveError(tenant, module, version ?? newVersion, versions);
      }
    }
    const weightOf = (version: Version | undefined): number =>
      live.find((instance) => instance.version === version)?.weight ?? 0;
    const both = weightOf(oldVersion) + weightOf(newVersion);
    return {
      oldVersion: oldVersion ?? newVersion,
      share: both === 0 ? 0 : (100 * weightOf(newVersion)) / both,
    };
  }

  async function checkCooldown(
    tx: ControlTransaction,
    subject: { tenant: TenantId; module: ModuleId; version: Version },
    cooldownSeconds: number,
  ): Promise<void> {
    const failed = await tx.db
      .selectFrom("rollout_tenants as t")
      .innerJoin("rollouts as r", "r.id", "t.rollout_id")
      .select(["r.id", "t.changed_at"])
      .where("t.tenant", "=", subject.tenant)
      .where("t.module", "=", subject.module)
      .where("r.new_version", "=", subject.version)
      .where("t.status", "=", "returned")
      .where("t.reason", "like", "Fail%")
      .orderBy("t.changed_at", "desc")
      .limit(1)
      .executeTakeFirst();
    if (failed === undefined) return;
    const until = new Date(failed.changed_at.getTime() + cooldownSeconds * 1_000);
    if (until.getTime() <= now()) return;
    const what = `${subject.module} ${subject.version} was rolled back for tenant "${subject.tenant}"`;
    throw new RolloutCoolingDownError(what, failed.id, until);
  }

  async function command(rolloutId: string, name: RolloutCommand): Promise<Rollout> {
    await database.transaction(async (tx) => {
      const rollout = await loadRollout(tx.db, rolloutId, { lock: true });
      if (rollout === undefined) throw new RolloutNotFoundError(rolloutId);
      const move = commandRollout(rollout.state, courseOf(rollout.policy), name, now());
      if (move === undefined) throw new RolloutCommandRefusedError(rolloutId, name, statusText(rollout.state));
      try {
        await applyMove(tx, rollout, move, now());
      } catch (error) {
        if (error instanceof TenantBusyError) {
          for (const tenant of rollout.tenants) await requireIdle(tx.db, { tenant, module: rollout.module });
        }
        throw error;
      }
    });
    return readRollout(database.db, rolloutId);
  }

  return {
    async advance({ tenant, module, oldVersion, newVersion }) {
      const active = await activeRollout(database.db, tenant, module);
      if (active === undefined) {
        return start({ module, tenants: [tenant], oldVersion, newVersion, policy: {}, insist: false });
      }
      const running = await loadRollout(database.db, active);
      if (running?.oldVersion !== oldVersion || running.newVersion !== newVersion) {
        throw new RolloutActiveError(tenant, module, active);
      }
      return command(active, "step");
    },

    handlers: {
      startRollout: ({ body }) => start(body),

      getRollout: ({ params }) => readRollout(database.db, params.rolloutId),

      listRollouts: ({ query: { cursor, limit, ...filter } }) =>
        listRollouts(database.db, filter, { after: readCursor(cursor, 2), limit }),

      commandRollout: ({ params, body }) => command(params.rolloutId, body.command),

      async setRolloutPolicy({ params: { tenant, module }, body }) {
        return database.transaction(async (tx) => {
          await readTenantModule(tx.db, tenant, module);
          resolvePolicy(body);
          await writeTenantPolicy(tx, { tenant, module }, body);
          return { policy: { ...body } };
        });
      },

      async getRolloutPolicy({ params: { tenant, module } }) {
        return database.transaction(async (tx) => {
          await readTenantModule(tx.db, tenant, module);
          const own = await readTenantPolicies(tx, [tenant], module);
          return { policy: { ...own.get(tenant) } };
        });
      },
    },
  };
}

function statusText({
  outcome,
  pausedAt,
  phase,
}: {
  outcome: string | null;
  pausedAt: number | null;
  phase: string;
}): string {
  return outcome ?? (pausedAt === null ? `running (${phase})` : "paused");
}
