import { KubeConfig } from "@kubernetes/client-node";
import { ConfigInvalidError } from "@aibos/contract";
import type { EngineTarget } from "./engine-target.ts";
import type { GatewayApiOptions } from "./gateway-api/gateway-api-options.ts";
import { createGatewayApiTarget } from "./gateway-api/gateway-api-target.ts";

/**
 * The cluster of a kubeconfig, or the one that this process runs in. Apart from the package's face: its client is large.
 *
 * @throws ConfigInvalidError
 */
export function openKubernetes(kubeconfig: string | undefined, options: GatewayApiOptions): EngineTarget {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigInvalidError(`The kubeconfig ${kubeconfig ?? "(default)"} can't be used: ${why}.`, {
      cause: error,
    });
  }
  return createGatewayApiTarget(config, options);
}
