import { DomainError } from "@aibos/domain";
import type { DeploymentName } from "./runtime-driver.ts";

/** A module version did not become healthy. */
export class DeploymentStartFailedError extends DomainError {
  readonly code = "AIBOS_DEPLOYMENT_START_FAILED";

  /** @param log the last lines that it wrote */
  constructor({ module, version }: DeploymentName, reason: string, log: readonly string[] = []) {
    const said = log.length === 0 ? "" : ` It said: ${log.join(" ⏎ ")}`;
    super(`${module} ${version} could not be started: ${reason}${said}`);
  }
}
