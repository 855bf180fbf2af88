import { expect, test } from "vitest";
import type { ServiceWorld } from "./service-world.ts";

export function describeHealth(world: ServiceWorld): void {
  test("the health check tells a healthy tenant from one whose tables were changed by hand", async () => {
    const tenant = await world.tenantAt("1.1.0");
    // Nobody runs a gateway here, which the check says and which does not make the tenant unhealthy.
    const healthy = await world.service.performHealthCheck(tenant, "notes");
    expect(healthy).toMatchObject({ status: "degraded", issues: [expect.stringContaining("No gateway")] });
    await world.inTenant(tenant, "update aibos_migrations set checksum = 'changed' where number = 1");
    const { status, issues } = await world.service.performHealthCheck(tenant, "notes");
    expect(status).toBe("unhealthy");
    expect(issues.join(" ")).toContain("001_notes");
  });

  test("the status counts tenants and names the control planes", async () => {
    const { tenants: count, controlPlanes } = await world.service.getStatus();
    expect(count).toBeGreaterThan(0);
    expect(controlPlanes).toMatchObject([{ live: true }]);
  });
}
