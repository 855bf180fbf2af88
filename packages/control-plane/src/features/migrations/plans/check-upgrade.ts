import { DependencyUnmetError, type Problem, VersionQuarantinedError } from "@aibos/contract";
import {
  buildUpgradeGraph,
  DomainError,
  findUpgradePath,
  type ModuleId,
  satisfiesRange,
  type TenantId,
  type Version,
} from "@aibos/domain";
import { findQuarantine } from "../../quarantine/quarantine-read-model.ts";
import { findTenantModule } from "../../instances/tenant-module-read-model.ts";
import type { DecisionFacts } from "./decision.ts";

/** What speaks against bringing a tenant's module to a version, and the way there. */
export interface UpgradeCheck {
  readonly path: readonly Version[];
  readonly errors: readonly DomainError[];
  readonly warnings: readonly Problem[];
}

/** Looks at path and dependencies; `from` is null for an installation. `today` is an ISO date. */
export async function checkUpgrade(
  { tx, state, modules }: DecisionFacts,
  from: Version | null,
  to: Version,
  today: string,
): Promise<UpgradeCheck> {
  const errors: DomainError[] = [];
  const target = await modules.getVersion(state.module, to);
  let path: readonly Version[] = from === null ? [to] : [from, to];
  if (from !== null) {
    try {
      path = findUpgradePath(buildUpgradeGraph(state.module, await modules.listReleases(state.module)), from, to);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      errors.push(error);
    }
  }
  const quarantined = await findQuarantine(tx.db, state.module, to);
  if (quarantined !== undefined) errors.push(new VersionQuarantinedError(quarantined));
  errors.push(...(await unmetDependencies({ tx, state, modules }, to)));
  const warnings = lifecycleWarnings(state.module, to, target.manifest.lifecycle, today);
  const oneWay = target.migrations.filter(({ reversible }) => !reversible);
  if (target.manifest.data.compatibleWith !== undefined && oneWay.length > 0) {
    const names = oneWay.map(({ number, name }) => `${String(number).padStart(3, "0")}_${name}`).join(", ");
    const message = `${to} can run beside older versions, but not be taken back with its writes kept: no down file for ${names}.`;
    warnings.push({
      code: "AIBOS_DATA_NOT_REVERSIBLE",
      severity: "warning",
      message,
      wayOut:
        "Going back then means a rollback point, with the writes since counted; or ask the author for down files.",
    });
  }
  return { path, errors, warnings };
}

/** Both directions: what the target needs, and what the tenant's other modules need of this one. */
export async function unmetDependencies({ tx, state, modules }: DecisionFacts, to: Version): Promise<DomainError[]> {
  const { tenant, module } = state;
  const { manifest } = await modules.getVersion(module, to);
  const errors: DomainError[] = [];
  for (const [needs, range] of Object.entries(manifest.dependencies) as [
    ModuleId,
    (typeof manifest.dependencies)[string],
  ][]) {
    const live = await liveVersions({ tx }, tenant, needs);
    if (live.length === 0 || !live.every((version) => satisfiesRange(version, range))) {
      errors.push(new DependencyUnmetError(tenant, { dependent: `${module} ${to}`, needs, range, live }));
    }
  }
  const others = await tx.db
    .selectFrom("tenant_module_instances")
    .select(["module", "version"])
    .where("tenant", "=", tenant)
    .where("module", "<>", module)
    .where("status", "<>", "retired")
    .execute();
  for (const other of others) {
    const { manifest: theirs } = await modules.getVersion(other.module, other.version);
    const range = Object.hasOwn(theirs.dependencies, module) ? theirs.dependencies[module] : undefined;
    if (range === undefined || satisfiesRange(to, range)) continue;
    errors.push(
      new DependencyUnmetError(tenant, {
        dependent: `${other.module} ${other.version}`,
        needs: module,
        range,
        live: [to],
      }),
    );
  }
  return errors;
}

async function liveVersions({ tx }: Pick<DecisionFacts, "tx">, tenant: TenantId, module: ModuleId): Promise<Version[]> {
  const state = await findTenantModule(tx.db, tenant, module);
  return (state?.live ?? []).map((instance) => instance.version);
}

function lifecycleWarnings(
  module: ModuleId,
  version: Version,
  lifecycle: {
    deprecatedOn?: string | undefined;
    endOfLife?: string | undefined;
    replacement?: string | undefined;
    migrationGuide?: string | undefined;
  },
  today: string,
): Problem[] {
  const instead = lifecycle.replacement === undefined ? "" : ` Its replacement is ${lifecycle.replacement}.`;
  const warning = (code: string, message: string): Problem => ({
    code,
    severity: "warning",
    message: message + instead,
    wayOut:
      lifecycle.migrationGuide ?? `Choose ${lifecycle.replacement ?? "a newer version"} unless this one is needed.`,
  });
  if (lifecycle.endOfLife !== undefined && lifecycle.endOfLife <= today) {
    return [
      warning("AIBOS_VERSION_END_OF_LIFE", `${module} ${version} reached its end of life on ${lifecycle.endOfLife}.`),
    ];
  }
  if (lifecycle.deprecatedOn !== undefined && lifecycle.deprecatedOn <= today) {
    return [warning("AIBOS_VERSION_DEPRECATED", `${module} ${version} is deprecated since ${lifecycle.deprecatedOn}.`)];
  }
  return [];
}
