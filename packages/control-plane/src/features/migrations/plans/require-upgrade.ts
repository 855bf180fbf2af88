import { UpgradeNotValidError } from "@aibos/contract";
import type { DomainError, Version } from "@aibos/domain";
import { checkUpgrade, unmetDependencies } from "./check-upgrade.ts";
import type { DecisionFacts } from "./decision.ts";

/** The path, when nothing speaks against it. @throws the one thing that does, or UpgradeNotValidError for several */
export async function requireUpgrade(
  facts: DecisionFacts,
  from: Version | null,
  to: Version,
  today: string,
): Promise<readonly Version[]> {
  const { path, errors } = await checkUpgrade(facts, from, to, today);
  refuse(facts, to, errors);
  return path;
}

/** For going back: the tenant's modules must fit together there as well. @throws DependencyUnmetError */
export async function requireDependencies(facts: DecisionFacts, to: Version): Promise<void> {
  refuse(facts, to, await unmetDependencies(facts, to));
}

function refuse({ state }: DecisionFacts, to: Version, errors: readonly DomainError[]): void {
  const [first, ...others] = errors;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const { tenant, module } = state;
  const problems = errors.map(({ code, message }) => ({ code, message, severity: "error" as const }));
  throw new UpgradeNotValidError(tenant, module, to, problems);
}
