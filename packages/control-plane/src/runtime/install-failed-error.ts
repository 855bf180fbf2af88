import { DomainError } from "@aibos/domain";
import type { DeploymentName } from "./runtime-driver.ts";

/** The manifest's `install` command failed where the artifact was unpacked. */
export class InstallFailedError extends DomainError {
  readonly code = "AIBOS_INSTALL_FAILED";

  /** @param log the last lines that it wrote */
  constructor({ module, version }: DeploymentName, reason: string, log: readonly string[]) {
    const said = log.length === 0 ? "" : ` It said: ${log.join(" ⏎ ")}`;
    super(`The install command of ${module} ${version} ${reason}.${said}`);
  }
}
