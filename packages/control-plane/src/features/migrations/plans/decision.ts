import type { Version } from "@aibos/domain";
import type { ControlTransaction } from "../../../db/control-database.ts";
import type { PlannedStep } from "../../../db/control-tables.ts";
import type { TenantModuleState } from "../../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../../modules/module-read-model.ts";

/** What an operation will do, decided once, when it starts. */
export interface Decision {
  readonly fromVersion: Version | null;
  readonly toVersion: Version;
  /** Every version on the way, both ends included. */
  readonly path: readonly Version[];
  readonly steps: readonly PlannedStep[];
}

/** What decisions are made from. `state` is locked: nothing changes it until the transaction ends. */
export interface DecisionFacts {
  readonly tx: ControlTransaction;
  readonly state: TenantModuleState;
  readonly modules: ModuleReadModel;
}

/** All requests to one version. */
export const ALL = 10_000;
