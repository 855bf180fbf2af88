import { beginStep, type RolloutMove, SLOTS, type TenantId } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import { setFlagShare } from "../feature-flags/roll-flag-out.ts";
import { judgementPolicyOf } from "./resolve-policy.ts";
import {
  type FlagRolloutOfUsers,
  saveRollout,
  setTenantStatus,
  type StoredRollout,
  type VersionRollout,
} from "./rollout-store.ts";
import { type SharedTenant, shareTraffic } from "./share-traffic.ts";

/** What is measured is kept in windows of so many milliseconds. */
export const WINDOW_MS = 10_000;

/** The traffic of a tenant can't be shared at the moment: an operation runs. It is tried again. */
export class TenantBusyError extends Error {
  override readonly name = "TenantBusyError";
}

/**
 * Carries a move out and stores it, in one transaction with whatever led to it: either gateways get the new shares and
 * the rollout is where it says, or nothing happened.
 *
 * @throws TenantBusyError, RolloutChangedError
 */
export async function applyMove(
  tx: ControlTransaction,
  rollout: StoredRollout,
  { state, action }: RolloutMove,
  now: number,
): Promise<StoredRollout> {
  switch (action.kind) {
    case "none": {
      const moved = { ...rollout, state };
      await saveRollout(tx, moved);
      return moved;
    }
    case "return": {
      const moved = { ...rollout, state, weight: 0 };
      await saveRollout(tx, moved);
      if (rollout.flag !== null) {
        await shareFlag(tx, rollout, "before", state.reason);
        return moved;
      }
      await returnTenants(tx, rollout, rollout.tenants, { reason: state.reason, now });
      return { ...rollout, state, weight: 0 };
    }
    case "share": {
      const weight = Math.round((action.weight * SLOTS) / 100);
      const shared =
        rollout.flag === null
          ? await shareTraffic(tx, rollout, rollout.tenants, weight)
          : await shareFlag(tx, rollout, action.beginsStep ? action.weight : "all", state.reason);
      const having = (outcome: string): TenantId[] => [...shared].flatMap(([t, o]) => (o === outcome ? [t] : []));
      const [busy] = having("busy");
      if (busy !== undefined) throw new TenantBusyError(`An operation runs for ${busy}.`);
      await setTenantStatus(tx, rollout.id, having("gone"), "returned", "one of the versions is not live any more");
      if (!action.beginsStep) {
        await setTenantStatus(tx, rollout.id, having("shared"), "promoted", state.reason);
        const moved = { ...rollout, state, weight };
        await saveRollout(tx, moved);
        return moved;
      }
      const moved = {
        ...rollout,
        state,
        weight,
        // Windows in which shares changed are no one's.
        seenUntil: Math.ceil(now / WINDOW_MS) * WINDOW_MS,
        evidence:
          rollout.weight === 0
            ? rollout.evidence
            : beginStep(rollout.evidence, judgementPolicyOf(rollout.policy, state.step).analyses),
      };
      await saveRollout(tx, moved);
      return moved;
    }
  }
}

async function shareFlag(
  tx: ControlTransaction,
  { id, module, flag }: FlagRolloutOfUsers,
  share: number | "all" | "before",
  reason: string,
): Promise<Map<TenantId, SharedTenant>> {
  await setFlagShare(tx, module, flag, { share, reason, author: `rollout ${id}` });
  return new Map();
}

/**
 * Gives all traffic of some tenants back to the old version; of those that are busy, as soon as they are not. Their users
 * go back at once, unless the policy lets them stay.
 */
export async function returnTenants(
  tx: ControlTransaction,
  rollout: VersionRollout,
  tenants: readonly TenantId[],
  { reason, now }: { reason: string; now: number },
): Promise<void> {
  const { stickiness, drainSeconds } = rollout.policy;
  const shared = await shareTraffic(tx, rollout, tenants, 0, { stickiness, drainSeconds, now });
  const busy = tenants.filter((tenant) => shared.get(tenant) === "busy");
  await setTenantStatus(
    tx,
    rollout.id,
    tenants.filter((tenant) => !busy.includes(tenant)),
    "returned",
    reason,
  );
  await setTenantStatus(tx, rollout.id, busy, "returning", reason);
}
