import type { RolloutGate } from "@aibos/contract";
import { isInWindow } from "@aibos/domain";
import { callOutside } from "../../outside-call.ts";
import { stepsOf } from "./resolve-policy.ts";
import type { StoredRollout } from "./rollout-store.ts";

/** A webhook that refused is asked again after so many milliseconds. */
const AGAIN_MS = 10_000;

export interface Gates {
  /** What the step that is waited for waits for; nothing when all gates are open. */
  shut(rollout: StoredRollout): Promise<string[]>;
}

export function createGates({ now }: { now: () => number }): Gates {
  /** When a webhook refused last, by rollout and address: it is only spared being asked each second. */
  const refusedAt = new Map<string, number>();

  async function askWebhook(rollout: StoredRollout, url: string): Promise<boolean> {
    const key = `${rollout.id} ${rollout.state.step} ${url}`;
    if (now() - (refusedAt.get(key) ?? 0) < AGAIN_MS) return false;
    const { id, module, oldVersion, newVersion, flag, tenants, state, weight } = rollout;
    const answer = await callOutside(url, {
      rollout: id,
      module,
      ...(flag === null ? { oldVersion, newVersion, tenants } : { flag: flag.key, variant: flag.variant }),
      step: state.step + 1,
      weight: weight / 100,
    });
    if (answer?.ok === true) {
      refusedAt.delete(key);
      return true;
    }
    refusedAt.set(key, now());
    return false;
  }

  async function isOpen(rollout: StoredRollout, gate: RolloutGate): Promise<boolean> {
    switch (gate.kind) {
      case "approval":
        return rollout.state.approved;
      case "window": {
        const { from = "00:00", to = "24:00", days = [], timeZone = "UTC" } = gate;
        return isInWindow({ from, to, days, timeZone }, now());
      }
      case "webhook":
        return askWebhook(rollout, gate.url ?? "");
    }
  }

  return {
    async shut(rollout) {
      const step = stepsOf(rollout.policy)[rollout.state.step];
      const gates = step?.gates ?? rollout.policy.promotionGates;
      const open = await Promise.all(gates.map((gate) => isOpen(rollout, gate)));
      return gates.flatMap((gate, index) => (open[index] === true ? [] : [describe(gate, rollout.id)]));
    },
  };
}

function describe(gate: RolloutGate, id: string): string {
  switch (gate.kind) {
    case "approval":
      return `approval ("aibos-versions rollout approve ${id}")`;
    case "window":
      return `the time from ${gate.from} to ${gate.to} ${gate.timeZone ?? "UTC"}`;
    case "webhook":
      return `${new URL(gate.url ?? "").origin} to agree`;
  }
}
