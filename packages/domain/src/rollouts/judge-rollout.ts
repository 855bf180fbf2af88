import { combineEvidence } from "../statistics/combined-evidence.ts";
import type { Analysis } from "./analysis.ts";
import { judgeAnalysis, logEvidence, type Scope } from "./judge-analysis.ts";
import type { JudgementPolicy } from "./judgement-policy.ts";
import type { RolloutEvidence } from "./rollout-evidence.ts";
import { logLatencyEvidence, logLatencyEvidenceAtMost } from "./tenant-evidence.ts";
import type { AnalysisVerdict, Judgement, Verdict } from "./verdict.ts";
import { odds } from "./verdict-sentence.ts";

/**
 * Judges a rollout at a moment, from all that was seen so far. It may be asked at any time and as often as one likes:
 * whatever is not worse fails with probability `policy.alpha` at most, ever.
 *
 * Critical analyses are put together by the mean of their e-values. With several tenants, one half of α is for all of
 * them together, so that small tenants' evidence adds up; the other half is divided among the tenants, each judged by
 * itself, so that one tenant's regression is not hidden by the others. All together are those that don't fail alone.
 */
export function judgeRollout(evidence: RolloutEvidence, policy: JudgementPolicy): Judgement {
  const tenants = Object.keys(evidence.tenants).sort();
  const several = tenants.length > 1;
  const failed = several ? failedTenants(evidence, policy, tenants) : [];
  const rest = tenants.filter((tenant) => failed.every((one) => one.tenant !== tenant));
  const scope = scopeOf(evidence, rest);
  const needed = Math.log((several ? 2 : 1) / policy.alpha);
  const critical = policy.analyses.filter(({ level }) => level === "critical");
  const together = combined(critical, policy, scope);
  const total = critical.reduce((sum, { weight }) => sum + weight, 0);
  const analyses = policy.analyses.map((analysis) =>
    judgeAnalysis(
      analysis,
      policy,
      scope,
      analysis.level === "critical" ? needed + Math.log(total / analysis.weight) : needed,
    ),
  );
  const verdict = rest.length === 0 && several ? "fail" : verdictOf(analyses, together >= needed);
  return {
    verdict,
    sentence: sentenceOf(verdict, analyses, { together, needed }, failed, policy),
    evidence: together,
    needed,
    analyses,
    failedTenants: failed,
  };
}

/** Whether it fails, or does for one of several tenants: the same as {@link judgeRollout} says, without the report. */
export function isFailing(evidence: RolloutEvidence, policy: JudgementPolicy): boolean {
  const tenants = Object.keys(evidence.tenants);
  const several = tenants.length > 1;
  const critical = policy.analyses.filter(({ level }) => level === "critical");
  const scope = scopeOf(evidence, tenants);
  const needed = Math.log((several ? 2 : 1) / policy.alpha);
  // Mostly there is next to no evidence, which can be seen without knowing exactly how much.
  const maybe = combined(critical, policy, scope, logLatencyEvidenceAtMost) >= needed;
  if (maybe && combined(critical, policy, scope) >= needed) return true;
  return several && failedTenants(evidence, policy, tenants).length > 0;
}

/** Tenants whose own evidence suffices, however many were looked at. */
function failedTenants(
  evidence: RolloutEvidence,
  policy: JudgementPolicy,
  tenants: readonly string[],
): Judgement["failedTenants"] {
  const needed = Math.log((2 * tenants.length) / policy.alpha);
  // Numbers of versions as a whole say nothing of one tenant.
  const analyses = policy.analyses.filter(({ level, measure }) => level === "critical" && measure.kind !== "paired");
  const total = analyses.reduce((sum, { weight }) => sum + weight, 0);
  return tenants.flatMap((tenant) => {
    const scope = scopeOf(evidence, [tenant]);
    const own = combined(analyses, policy, scope);
    if (own < needed) return [];
    const verdicts = analyses.map((analysis) =>
      judgeAnalysis(analysis, policy, scope, needed + Math.log(total / analysis.weight)),
    );
    return [{ tenant, sentence: `for ${tenant}, ${worst(verdicts)?.sentence ?? ""}` }];
  });
}

function scopeOf(rollout: RolloutEvidence, tenants: readonly string[]): Scope {
  const found = tenants.flatMap((tenant) => rollout.tenants[tenant] ?? []);
  const [only] = found;
  return {
    tenants: found,
    rollout,
    earlier: found.length === 1 && only !== undefined ? only.earlier : rollout.earlier,
  };
}

function combined(
  analyses: readonly Analysis[],
  policy: JudgementPolicy,
  scope: Scope,
  latencyEvidence = logLatencyEvidence,
): number {
  return combineEvidence(
    analyses.map((analysis) => ({
      log: logEvidence(analysis, policy, scope, latencyEvidence),
      weight: analysis.weight,
    })),
  );
}

function verdictOf(analyses: readonly AnalysisVerdict[], failed: boolean): Verdict {
  if (failed) return "fail";
  const critical = analyses.filter(({ level }) => level === "critical");
  for (const verdict of ["no-traffic", "inconclusive"] as const) {
    if (critical.some((analysis) => analysis.verdict === verdict)) return verdict;
  }
  return "pass";
}

/** The analysis that weighs most against the new version: by its evidence over what it needs. */
function worst(analyses: readonly AnalysisVerdict[]): AnalysisVerdict | undefined {
  return analyses.toSorted((a, b) => b.evidence - b.needed - (a.evidence - a.needed))[0];
}

function sentenceOf(
  verdict: Verdict,
  analyses: readonly AnalysisVerdict[],
  { together, needed }: { together: number; needed: number },
  failed: Judgement["failedTenants"],
  policy: JudgementPolicy,
): string {
  const critical = analyses.filter(({ level }) => level === "critical");
  const alone = failed.map(({ sentence }) => `; ${sentence}`).join("");
  switch (verdict) {
    case "fail": {
      if (together < needed) return `Fail${alone.replace(/^;/, ":")}.`;
      const leading = worst(critical);
      const sum =
        leading?.verdict === "fail"
          ? ""
          : `; all analyses together: evidence ${odds(together)}, needed ${odds(needed)}`;
      return `Fail: ${leading?.sentence ?? "no analysis"}${sum}${alone}.`;
    }
    case "no-traffic":
    case "inconclusive": {
      const reason = critical.find((analysis) => analysis.verdict === verdict);
      return `${verdict === "no-traffic" ? "No traffic" : "Inconclusive"}: ${reason?.sentence ?? ""}${alone}.`;
    }
    case "pass": {
      const leading = worst(critical);
      if (leading === undefined) return `Pass: there is no critical analysis${alone}.`;
      const others = critical.length - 1;
      const rest = others === 0 ? "" : others === 1 ? "; the other one shows less" : `; the other ${others} show less`;
      return `Pass, at a false alarm rate of ${policy.alpha}: ${leading.sentence}${rest}${alone}.`;
    }
  }
}
