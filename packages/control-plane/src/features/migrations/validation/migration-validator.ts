import {
  CustomizationConflictError,
  type HealthReport,
  type MigrationValidation,
  OperationInProgressError,
  type Problem,
  type RehearsalRequiredError,
} from "@aibos/contract";
import { DomainError, type ModuleId, type TenantId, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../../db/control-database.ts";
import type { Deployments } from "../../deployments/deployments.ts";
import { keptAside } from "../../customizations/customization-entries.ts";
import { noteConflicts } from "../../customizations/open-conflicts.ts";
import { readTenantModule, type TenantModuleState } from "../../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../../modules/module-read-model.ts";
import { assessHops } from "../plans/assess-hops.ts";
import { checkUpgrade } from "../plans/check-upgrade.ts";
import { moveOf } from "../plans/decide.ts";
import type { Decision } from "../plans/decision.ts";
import { fieldsOnTheWay, liveDataPath } from "../plans/live-hops.ts";
import { planMigrate } from "../plans/migrate-plan.ts";
import { missingRehearsal } from "../plans/require-rehearsal.ts";
import { freezeProblems } from "../plans/require-thawed.ts";
import { requireIdle } from "../running-operation.ts";
import { checkRoom } from "./check-room.ts";
import { estimateDecision } from "./estimate-decision.ts";
import { readDataSize } from "./read-data-size.ts";
import { createTurns } from "./turns.ts";
import { validateLiveData } from "./validate-live-data.ts";

/** Tells everything that speaks against a move, and what it would be. */
export type MigrationValidator = (
  tenant: TenantId,
  module: ModuleId,
  version: Version,
  options?: { /** As the migration's option, in seconds. */ requireRehearsal?: number | undefined },
) => Promise<MigrationValidation>;

interface Found {
  readonly state: TenantModuleState;
  readonly decision: Decision | undefined;
  readonly problems: readonly Problem[];
}

/** So long the target's process may take to start before that is told as a warning, in milliseconds. */
const START_MS = 30_000;

/**
 * Each part is looked at whatever the others found, so that all problems are told at once; what can be looked at only
 * where a plan is possible (data, room, time) is left out otherwise.
 */
export function createMigrationValidator(parts: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  deployments: Pick<Deployments, "ensure">;
  checkHealth: (tenant: TenantId, module: ModuleId) => Promise<HealthReport>;
  /** Where tenants' data is. */
  data: Parameters<typeof validateLiveData>[0]["data"];
  now: () => number;
}): MigrationValidator {
  const { database, modules, deployments, checkHealth, data, now } = parts;
  const turns = createTurns();

  /** Path, dependencies, lifecycle, another operation, and the plan itself. */
  function checkPlan(
    tenant: TenantId,
    module: ModuleId,
    version: Version,
    rehearsedWithin: number | undefined,
  ): Promise<Found> {
    return database.transaction(async (tx) => {
      const state = await readTenantModule(tx.db, tenant, module);
      const facts = { tx, state, modules };
      const today = new Date(now()).toISOString().slice(0, 10);
      const check = await checkUpgrade(facts, state.live[0]?.version ?? null, version, today);
      const problems = [
        ...check.errors.flatMap(problemsOf),
        ...check.warnings,
        ...(await freezeProblems(tx.db, { tenant, module }, now())),
      ];
      try {
        await requireIdle(tx.db, { tenant, module });
        const decision = await planMigrate(facts, requestFor(version), today);
        const missing = await missingRehearsal(facts, moveOf(decision), rehearsedWithin);
        return { state, decision, problems: missing === undefined ? problems : [...problems, unrehearsed(missing)] };
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        // What the check found has been told: the plan fails for the same.
        const told = check.errors.length > 0 && !(error instanceof OperationInProgressError);
        if (error instanceof CustomizationConflictError) await noteConflicts(tx.db, { tenant, module }, error.path);
        return { state, decision: undefined, problems: told ? problems : [...problemsOf(error), ...problems] };
      }
    });
  }

  /** What the tenant edited on the version in an earlier stay is not there again by itself. */
  async function checkAside(tenant: TenantId, module: ModuleId, version: Version): Promise<Problem[]> {
    const aside = await keptAside(database.db, { tenant, module }, version);
    return aside.map(({ id, name }) => ({
      code: "AIBOS_CUSTOMIZATION_ASIDE",
      severity: "warning",
      message: `"${name}" was edited on ${version} before the tenant went back; entry ${id} is kept aside.`,
      wayOut: `After the move: "aibos-versions customization reapply ${name} -t ${tenant} -m ${module} --entry ${id}".`,
    }));
  }

  async function checkTarget(module: ModuleId, version: Version): Promise<Problem[]> {
    const slow = Symbol("slow");
    let timer: NodeJS.Timeout | undefined;
    try {
      const started = await Promise.race([
        deployments.ensure({ module, version }),
        new Promise((resolve) => {
          timer = setTimeout(() => resolve(slow), START_MS);
        }),
      ]);
      if (started !== slow) return [];
      const message = `${module} ${version} was not healthy within ${START_MS / 1_000} s.`;
      return [{ code: "AIBOS_TARGET_SLOW", severity: "warning", message, wayOut: SEE_LOG }];
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return problemsOf(error).map((problem) => ({ ...problem, wayOut: SEE_LOG }));
    } finally {
      clearTimeout(timer);
    }
  }

  async function checkInstance(tenant: TenantId, module: ModuleId): Promise<Problem[]> {
    const { status, issues } = await checkHealth(tenant, module);
    if (status !== "unhealthy") return [];
    const message = `The tenant is not served well now: ${issues.join(" ")}`;
    return [{ code: "AIBOS_INSTANCE_UNHEALTHY", severity: "warning", message, wayOut: MEND_FIRST }];
  }

  return async (tenant, module, version, { requireRehearsal } = {}) => {
    const { state, decision, problems } = await checkPlan(tenant, module, version, requireRehearsal);
    const found = [
      ...problems,
      ...(await checkAside(tenant, module, version)),
      ...(await checkTarget(module, version)),
      ...(await checkInstance(tenant, module)),
    ];
    if (decision === undefined) return report(found, undefined, null);
    const place = { tenant, module, schema: state.schema, role: state.role };
    const size = await readDataSize(data.pool, state.schema);
    found.push(
      ...(await assessHops(modules, module, decision.path)),
      ...(await validateLiveData(
        { database, modules, data, turns },
        place,
        liveDataPath(decision.steps),
        fieldsOnTheWay(decision.steps),
      )),
      ...(await checkRoom(data.pool, size.bytes)),
    );
    return report(found, decision, await estimateDecision(database.db, module, decision, size));
  };
}

const SEE_LOG = "Read the process's log in the data folder (runtime/logs), mend the version and publish another one.";
const MEND_FIRST =
  'See "aibos-versions health"; mend it first, unless the new version is the cure: going back would lead here again.';

function report(
  found: readonly Problem[],
  decision: Decision | undefined,
  estimate: MigrationValidation["estimate"],
): MigrationValidation {
  const errors = found.filter(({ severity }) => severity === "error");
  const steps = decision?.steps ?? [];
  return {
    isValid: errors.length === 0,
    errors,
    warnings: found.filter(({ severity }) => severity === "warning"),
    path: [...(decision?.path ?? [])],
    steps: steps.map((step) => step.title),
    holdsRequests: steps.some((step) => step.name === "hold"),
    estimate,
  };
}

/** One problem a failure; of conflicts one each. */
function problemsOf(error: DomainError): Problem[] {
  const { code, message } = error;
  if (!(error instanceof CustomizationConflictError)) return [{ code, message, severity: "error" }];
  return error.conflicts.map(({ name, path, kind }) => ({
    code,
    severity: "error",
    message: `Customisation "${name}"${path === "" ? "" : ` at ${path}`} conflicts (${kind}). ${message.slice(message.lastIndexOf("Decide with"))}`,
  }));
}

function requestFor(version: Version): Parameters<typeof planMigrate>[1] {
  return { version, preserveCustomizations: true, observe: 0, soak: 0 };
}

function unrehearsed({ code, message }: RehearsalRequiredError): Problem {
  return { code, severity: "error", message, wayOut: "Rehearse the move; a report that passed opens the way to it." };
}
