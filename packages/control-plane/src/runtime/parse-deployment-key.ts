import { isModuleId, isVersion } from "@aibos/domain";
import type { DeploymentName } from "./runtime-driver.ts";

/** The reverse of `deploymentKey`; undefined for a text that is none. */
export function parseDeploymentKey(key: string): DeploymentName | undefined {
  const at = key.indexOf("@");
  const module = key.slice(0, at);
  const version = key.slice(at + 1);
  return at > 0 && isModuleId(module) && isVersion(version) ? { module, version } : undefined;
}
