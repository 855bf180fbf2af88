import { DomainError } from "../domain-error.ts";
import type { ModuleId } from "../identifiers/module-id.ts";
import type { Version } from "../versions/version.ts";

/** No allowed way leads from one release to the other; `explanation` tells why. */
export class NoUpgradePathError extends DomainError {
  readonly code = "AIBOS_NO_UPGRADE_PATH";
  readonly module: ModuleId;
  readonly from: Version;
  readonly to: Version;
  readonly explanation: string;

  constructor(module: ModuleId, from: Version, to: Version, explanation: string) {
    super(`${module} can't go from ${from} to ${to}: ${explanation}`);
    this.module = module;
    this.from = from;
    this.to = to;
    this.explanation = explanation;
  }
}
