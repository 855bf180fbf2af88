import type { Version } from "@aibos/domain";
import { grantTenant, revokeTenant } from "@aibos/tenant-data";
import type { StepKind } from "../migration-step.ts";

/** Lets a version's processes reach the tenant's data. */
export const grant: StepKind<{ version: Version }> = {
  name: "grant",
  title: ({ version }) => `let ${version} reach the data`,
  async inside({ client }, { role, module, with: { version }, platform }) {
    const versionRole = platform.deployments.roleOf({ module, version });
    await grantTenant(client, { tenantRole: role, versionRole });
    return { detail: { version } };
  },
  async undoInside({ client }, { role, module, with: { version }, platform }) {
    const versionRole = platform.deployments.roleOf({ module, version });
    await revokeTenant(client, { tenantRole: role, versionRole });
  },
};
