import type { DeploymentName } from "../../../runtime/runtime-driver.ts";
import type { StepRun } from "../migration-step.ts";

/**
 * Does something with a version's process and tells what that wrote meanwhile, as far as it runs in this control plane.
 * Other tenants' requests may be among it: it is one process for all.
 */
export async function tellOutput<T>(
  { name, platform, log }: Pick<StepRun<unknown>, "platform" | "log"> & { readonly name: DeploymentName },
  work: () => Promise<T>,
): Promise<T> {
  const from = await platform.deployments.outputEnd(name);
  try {
    return await work();
  } finally {
    for (const line of await platform.deployments.outputSince(name, from)) log.line("process", line);
  }
}
