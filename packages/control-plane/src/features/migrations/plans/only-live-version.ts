import { ModuleNotInstalledError, SideBySideActiveError } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import type { TenantModuleState } from "../../instances/tenant-module-read-model.ts";

/** The one version that serves. @throws SideBySideActiveError when several do, ModuleNotInstalledError when none does */
export function onlyLiveVersion({ tenant, module, live }: TenantModuleState): Version {
  const [first, ...others] = live;
  if (first === undefined) throw new ModuleNotInstalledError(tenant, module);
  if (others.length > 0) {
    throw new SideBySideActiveError(
      tenant,
      module,
      live.map((instance) => instance.version),
    );
  }
  return first.version;
}

/** The release whose tables the data has. @throws ModuleNotInstalledError when there are none yet */
export function dataVersionOf({ tenant, module, dataVersion }: TenantModuleState): Version {
  if (dataVersion === null) throw new ModuleNotInstalledError(tenant, module);
  return dataVersion;
}
