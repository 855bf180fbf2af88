import { DomainError } from "@aibos/domain";
import type { DeploymentName } from "./runtime-driver.ts";

/** A module version did not become healthy. */
export class DeploymentStartFailedError extends DomainError {
  readonly code = "AIBOS_DEPLOYMENT_START_FAILED";

  /** @param log where it wrote, and what of that tells most */
  constructor(
    { module, version }: DeploymentName,
    reason: string,
    log?: { readonly path: string; readonly lines: readonly string[] },
  ) {
    const said = log === undefined || log.lines.length === 0 ? "" : ` It said: ${log.lines.join(" ⏎ ")}`;
    const where = log === undefined ? "" : ` (log: ${log.path})`;
    super(`${module} ${version} could not be started: ${reason}${said}${where}`);
  }
}
