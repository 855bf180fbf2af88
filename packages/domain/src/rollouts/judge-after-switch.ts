import { judgeRollout } from "./judge-rollout.ts";
import type { JudgementPolicy } from "./judgement-policy.ts";
import { NO_EVIDENCE, observeWindow } from "./rollout-evidence.ts";
import type { Judgement } from "./verdict.ts";
import type { VersionWindow } from "./version-window.ts";

/** The name under which the one subject's evidence is kept. */
const SUBJECT = "all";

/**
 * Judges a switch of all requests at once, where no two versions ever served in the same time: each window after the
 * switch is compared with one before it, the newest of them with the first.
 *
 * The rate of false alarms is the policy's as long as the requests themselves are alike before and after; unlike in a
 * rollout, a change that comes from outside at the same time passes for one of the version. Windows without a partner
 * say nothing. Measures of whole versions (`paired`) are left out.
 *
 * @param windows in the order of time, windows without requests left out
 */
export function judgeAfterSwitch(
  windows: { readonly before: readonly VersionWindow[]; readonly after: readonly VersionWindow[] },
  policy: JudgementPolicy,
): Judgement {
  const analyses = policy.analyses.filter(({ measure }) => measure.kind !== "paired");
  const before = windows.before.toReversed();
  const evidence = windows.after.reduce((sum, fresh, index) => {
    const old = before[index];
    return old === undefined
      ? sum
      : observeWindow(sum, { tenants: { [SUBJECT]: { old, fresh } }, paired: {} }, analyses);
  }, NO_EVIDENCE);
  return judgeRollout(evidence, { ...policy, analyses, steps: 1 });
}
