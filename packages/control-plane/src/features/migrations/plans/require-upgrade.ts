import { UpgradeNotValidError } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import { checkUpgrade } from "./check-upgrade.ts";
import type { DecisionFacts } from "./decision.ts";

/** The path, when nothing speaks against it. @throws the one thing that does, or UpgradeNotValidError for several */
export async function requireUpgrade(
  facts: DecisionFacts,
  from: Version | null,
  to: Version,
  today: string,
): Promise<readonly Version[]> {
  const { path, errors } = await checkUpgrade(facts, from, to, today);
  const [first, ...others] = errors;
  if (first === undefined) return path;
  if (others.length === 0) throw first;
  const { tenant, module } = facts.state;
  const problems = errors.map(({ code, message }) => ({ code, message, severity: "error" as const }));
  throw new UpgradeNotValidError(tenant, module, to, problems);
}
