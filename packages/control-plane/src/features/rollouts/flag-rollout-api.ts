import { sql } from "kysely";
import {
  type RolloutPolicy,
  RolloutCoolingDownError,
  RolloutPolicyInvalidError,
  type RouteHandlers,
} from "@aibos/contract";
import { beginRollout, type ModuleId, NO_EVIDENCE } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import { prepareFlagRollout } from "../feature-flags/roll-flag-out.ts";
import { requireNoFlagRollout } from "./active-flag-rollout.ts";
import type { RolloutLooker } from "./look-at-rollout.ts";
import { courseOf, resolvePolicy } from "./resolve-policy.ts";
import { readRollout } from "./rollout-read-model.ts";
import { EVERYBODY, insertRollout, RolloutChangedError } from "./rollout-store.ts";

/** Rollouts of flags: the same course and judgement, on requests with the variant and without it. */
export function createFlagRolloutApi(options: {
  database: ControlDatabase;
  looker: RolloutLooker;
  now: () => number;
}): Pick<RouteHandlers, "startFlagRollout"> {
  const { database, looker, now } = options;

  async function checkCooldown(
    { db }: ControlTransaction,
    { module, flag, seconds }: { module: ModuleId; flag: string; seconds: number },
  ): Promise<void> {
    const failed = await db
      .selectFrom("rollouts")
      .select(["id", "finished_at"])
      .where("module", "=", module)
      .where(sql<boolean>`flag ->> 'key' = ${flag} and state ->> 'outcome' = 'rolled-back'`)
      .orderBy("finished_at", "desc")
      .limit(1)
      .executeTakeFirst();
    const until = new Date((failed?.finished_at?.getTime() ?? 0) + seconds * 1_000);
    if (failed === undefined || until.getTime() <= now()) return;
    throw new RolloutCoolingDownError(`Flag "${flag}" of ${module} was rolled back`, failed.id, until);
  }

  return {
    async startFlagRollout({ params: { module, flag }, body }) {
      const policy = resolvePolicy(body.policy);
      requireComparable(policy);
      const id = await database.transaction(async (tx) => {
        // Takes the flags' lock: two that start at once come one after the other.
        const { rolled, share } = await prepareFlagRollout(tx, { ...body, module, flag });
        await requireNoFlagRollout(tx.db, module, flag);
        if (!body.insist) await checkCooldown(tx, { module, flag, seconds: policy.cooldownSeconds });
        const state = beginRollout(courseOf(policy), share, now());
        const subject = { flag: rolled, oldVersion: null, newVersion: null };
        return insertRollout(tx, { ...subject, module, policy, state, evidence: NO_EVIDENCE, tenants: [EVERYBODY] });
      });
      // The first step begins at once; where another process looks at the same moment, it does it.
      await looker.look(id).catch((error: unknown) => {
        if (!(error instanceof RolloutChangedError)) throw error;
      });
      return readRollout(database.db, id);
    },
  };
}

/** @throws RolloutPolicyInvalidError for what is known of versions alone, and not of users with a variant */
function requireComparable({ analyses, onInconclusive, onNoTraffic, stickiness }: RolloutPolicy): void {
  const problems = analyses.flatMap(({ metric }, index) =>
    metric === "error-rate" || metric === "latency"
      ? []
      : [
          {
            path: ["analyses", index, "metric"],
            message: `"${metric}" is a number of versions, not of a flag's users`,
          },
        ],
  );
  const unfit = { onInconclusive, onNoTraffic, stickiness };
  for (const [field, value] of Object.entries(unfit)) {
    if (["pool", "synthetic", "drain", "keep"].includes(value)) {
      problems.push({ path: [field], message: `"${value}" means nothing for a flag` });
    }
  }
  if (problems.length > 0) throw new RolloutPolicyInvalidError(problems);
}
