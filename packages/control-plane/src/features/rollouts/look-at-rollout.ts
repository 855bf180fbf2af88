import {
  type Judgement,
  judgeRollout,
  moveRollout,
  observePart,
  observeWindow,
  type RolloutEvidence,
  type RolloutLook,
  type RolloutWindow,
  type TenantId,
} from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { applyMove, returnTenants, WINDOW_MS } from "./apply-move.ts";
import type { CustomMetrics } from "./custom-metrics.ts";
import type { Gates } from "./gates.ts";
import { courseOf, judgementPolicyOf } from "./resolve-policy.ts";
import {
  EVERYBODY,
  insertVerdict,
  loadRollout,
  RolloutChangedError,
  saveRollout,
  setTenantStatus,
  type StoredRollout,
  type VersionRollout,
} from "./rollout-store.ts";
import { isDeclaredByLiveVersion } from "../feature-flags/flag-read-model.ts";
import { readFlagWindows } from "../measurements/flag-measurements.ts";
import type { WindowReadModel } from "../measurements/window-read-model.ts";
import type { SyntheticRequests } from "./synthetic-requests.ts";

type SeenWindow = RolloutWindow & { readonly at: number };

/** Gateways send what they measured with a delay: a window is over for us so many milliseconds after its end. */
const LATE_MS = 3_000;

export interface RolloutLooker {
  /** Looks at a rollout: reads what is new, judges, and does what follows, in one transaction. */
  look(rolloutId: string): Promise<void>;
}

export function createRolloutLooker(options: {
  database: ControlDatabase;
  windows: WindowReadModel;
  metrics: CustomMetrics;
  gates: Gates;
  synthetic: SyntheticRequests;
  now: () => number;
}): RolloutLooker {
  const { database, windows, metrics, gates, synthetic, now } = options;

  /** What is known since the last look: windows that are over by now, those that are not, and up to when they are. */
  async function readNew(rollout: StoredRollout): Promise<{ until: number; over: SeenWindow[]; open: SeenWindow[] }> {
    const { seenUntil: from, weight } = rollout;
    if (from > now() || weight === 0) return { until: from, over: [], open: [] };
    const until = Math.max(from, Math.floor((now() - LATE_MS) / WINDOW_MS) * WINDOW_MS);
    const seen = await readWindows(rollout, { from, to: now() });
    const open = seen.filter(({ at }) => at >= until);
    if (until === from) return { until, over: [], open };
    const over = seen.filter(({ at }) => at < until);
    const newest = over.pop() ?? { at: until - WINDOW_MS, tenants: {}, paired: {} };
    const paired = { ...newest.paired, ...(rollout.flag === null ? await metrics.measure(rollout) : {}) };
    return { until, over: [...over, { ...newest, paired }], open };
  }

  async function readWindows(rollout: StoredRollout, time: { from: number; to: number }): Promise<SeenWindow[]> {
    const { module, flag } = rollout;
    if (flag !== null) {
      const read = await readFlagWindows(database, { module, flag: flag.key, ...time });
      return read.map(({ at, out, in: fresh }) => ({ at, tenants: { [EVERYBODY]: { old: out, fresh } }, paired: {} }));
    }
    const read = await windows.read({ ...rollout, ...time });
    return read.map(({ at, tenants, cpu }) => ({ at, tenants, paired: cpu === undefined ? {} : cpuOf(rollout, cpu) }));
  }

  async function look(rolloutId: string): Promise<void> {
    const rollout = await loadRollout(database.db, rolloutId);
    if (rollout === undefined) return;
    if (rollout.flag === null && rollout.returning.length > 0) {
      const { reason } = rollout.state;
      await database.transaction(async (tx) => {
        await relock(tx, rollout);
        await returnTenants(tx, rollout, rollout.returning, { reason, now: now() });
      });
    }
    if (rollout.state.phase === "ended") return;
    const present = await withoutGone(rollout);
    if (present.tenants.length === 0) return endWithoutTenants(rollout);
    const { until, over, open } = await readNew(present);
    const policy = judgementPolicyOf(rollout.policy, rollout.state.step);
    const { analyses } = policy;
    const whole = over.reduce((sum, window) => observeWindow(sum, window, analyses, window.at), rollout.evidence);
    let evidence = open.reduce((sum, { at, tenants }) => observePart(sum, tenants, analyses, at), whole);
    let judgement = evidence === rollout.evidence ? undefined : judgeRollout(evidence, policy);
    // Before a window is over, nothing is said but that the version fails: passing takes whole windows.
    if (over.length === 0 && !(judgement !== undefined && fails(rollout, judgement))) judgement = undefined;
    if (judgement !== undefined && rollout.flag === null && wantsPool(rollout, judgement)) {
      judgement = judgeRollout(await pooled(rollout, evidence), policy);
    }
    const isSilent = judgement?.verdict === "no-traffic";
    if (isSilent && rollout.flag === null && rollout.policy.onNoTraffic === "synthetic") {
      evidence = observeWindow(evidence, await synthetic.send(rollout), analyses);
      judgement = judgeRollout(evidence, policy);
    }
    const found: RolloutLook = {
      verdict: judgement?.verdict ?? null,
      sentence: judgement?.sentence ?? "",
      shutGates: rollout.state.phase === "gate" && rollout.state.pausedAt === null ? await gates.shut(rollout) : [],
    };
    const move = moveRollout(rollout.state, courseOf(rollout.policy), found, now());
    const failed = newlyFailed(rollout, judgement);
    await database.transaction(async (tx) => {
      const current = await relock(tx, rollout);
      if (judgement !== undefined) await insertVerdict(tx, current, new Date(now()), judgement);
      const remaining = current.tenants.filter((tenant) => failed.every((one) => one.tenant !== tenant));
      for (const { tenant, sentence } of failed) {
        if (current.flag === null) await returnTenants(tx, current, [tenant], { reason: sentence, now: now() });
      }
      const seenNow = { ...current, tenants: remaining, evidence, seenUntil: until };
      await applyMove(tx, seenNow, move, now());
    });
  }

  /** Without tenants for which one of the versions was completed, rolled back or retired by somebody meanwhile. */
  async function withoutGone(rollout: StoredRollout): Promise<StoredRollout> {
    if (rollout.flag !== null) {
      const isDeclared = await isDeclaredByLiveVersion(database.db, rollout.module, rollout.flag.key);
      return isDeclared ? rollout : { ...rollout, tenants: [] };
    }
    const live = await database.db
      .selectFrom("tenant_module_instances")
      .select("tenant")
      .where("module", "=", rollout.module)
      .where("tenant", "in", [...rollout.tenants])
      .where("version", "in", [rollout.oldVersion, rollout.newVersion])
      .where("status", "<>", "retired")
      .groupBy("tenant")
      .having((eb) => eb.fn.countAll(), "=", 2)
      .execute();
    return { ...rollout, tenants: rollout.tenants.filter((tenant) => live.some((row) => row.tenant === tenant)) };
  }

  async function endWithoutTenants(rollout: StoredRollout): Promise<void> {
    const reason =
      rollout.flag === null
        ? "One of the versions is not live any more."
        : "No live version declares the flag any more.";
    await database.transaction(async (tx) => {
      const current = await relock(tx, rollout);
      const state = { ...current.state, phase: "ended", outcome: "aborted", since: now(), reason } as const;
      if (current.flag !== null) {
        await applyMove(tx, current, { state, action: { kind: "return" } }, now());
        return;
      }
      await saveRollout(tx, { ...current, state, weight: 0 });
      await setTenantStatus(tx, rollout.id, current.tenants, "returned", reason);
    });
  }

  /** The rollout, locked. @throws RolloutChangedError when it is not what was read */
  async function relock(tx: ControlTransaction, before: StoredRollout): Promise<StoredRollout> {
    const current = await loadRollout(tx.db, before.id, { lock: true });
    if (current?.looks !== before.looks) throw new RolloutChangedError(`${before.id} was changed meanwhile.`);
    return current;
  }

  /** With what is known of the same versions at the same share from other rollouts. */
  async function pooled(rollout: VersionRollout, own: RolloutEvidence): Promise<RolloutEvidence> {
    const others = await database.db
      .selectFrom("rollouts")
      .select("evidence")
      .where("module", "=", rollout.module)
      .where("old_version", "=", rollout.oldVersion)
      .where("new_version", "=", rollout.newVersion)
      .where("weight", "=", rollout.weight)
      .where("id", "<>", rollout.id)
      .where("finished_at", "is", null)
      .orderBy("id")
      .limit(100)
      .execute();
    const tenants = Object.assign({}, ...others.map(({ evidence }) => evidence.tenants), own.tenants);
    return { ...own, tenants };
  }

  return { look };
}

/** Whether it, or one of its tenants, is undone by this judgement. */
function fails(rollout: StoredRollout, judgement: Judgement): boolean {
  const { state, policy } = rollout;
  // One that was paused for failing is told of it again with each whole window.
  const undone = judgement.verdict === "fail" && (policy.onFailure === "rollback" || state.pausedAt === null);
  return undone || newlyFailed(rollout, judgement).length > 0;
}

function wantsPool({ policy }: StoredRollout, { verdict }: Judgement): boolean {
  return (
    (verdict === "no-traffic" && policy.onNoTraffic === "pool") ||
    (verdict === "inconclusive" && policy.onInconclusive === "pool")
  );
}

/** Tenants of this rollout that fail by themselves while the others go on. */
function newlyFailed(
  { tenants, policy }: StoredRollout,
  judgement: Judgement | undefined,
): { tenant: TenantId; sentence: string }[] {
  if (judgement === undefined || judgement.verdict === "fail" || policy.onFailure === "hold") return [];
  return tenants.flatMap((tenant) => {
    const failed = judgement.failedTenants.find((one) => one.tenant === tenant);
    return failed === undefined ? [] : [{ tenant, sentence: `Fail: ${failed.sentence}.` }];
  });
}

function cpuOf({ policy }: StoredRollout, cpu: { old: number; fresh: number }) {
  return Object.fromEntries(policy.analyses.filter(({ metric }) => metric === "cpu").map(({ name }) => [name, cpu]));
}
