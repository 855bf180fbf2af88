import { describe, expect, test } from "vitest";
import { someBatch } from "../../features/measurements/testing/some-batch.ts";
import type { ServiceWorld } from "./service-world.ts";

export function describeMeasurements(world: ServiceWorld): void {
  describe("what is measured", () => {
    test("of a version is told for a tenant, with its window and sample sizes", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const at = Date.now();
      const latencies = Array.from({ length: 200 }, (_, index) => index + 1);
      await world.measure(someBatch([{ at, tenant, latencies, errors: { server: 4 }, inFlight: 3 }]));
      const found = await world.service.getVersionPerformance(tenant, "notes", "1.0.0", { window: 120 });
      expect(found).toMatchObject({
        tenant,
        module: "notes",
        version: "1.0.0",
        window: { resolution: "10s" },
        requests: 200,
        errors: { server: 4, client: 0 },
        errorRate: 0.02,
        responseTime: { samples: 200, mean: 100.5 },
        inFlight: 3,
      });
      expect(found.window.seconds).toBeGreaterThanOrEqual(120);
      expect(found.responseTime.p95).toBeGreaterThan(188);
      expect(found.responseTime.p95).toBeLessThan(192);
      const other = await world.tenantAt("1.0.0");
      expect(await world.service.getVersionPerformance(other, "notes", "1.0.0")).toMatchObject({
        requests: 0,
        errorRate: null,
        responseTime: { samples: 0, p95: null },
      });
    });

    test("of its processes is their CPU and memory", async () => {
      const tenant = await world.tenantAt("1.0.0");
      // Looked at every ten seconds, and known from the second time on.
      await expect
        .poll(
          async () => {
            const found = await world.service.getVersionPerformance(tenant, "notes", "1.0.0");
            return found.cpuUsage !== null && found.cpuUsage >= 0 && (found.memoryBytes ?? 0) > 10_000_000;
          },
          { timeout: 60_000, interval: 500 },
        )
        .toBe(true);
    }, 90_000);

    test("is watched as it changes, for every live version, oldest first", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
      const stop = new AbortController();
      const seen: (readonly [string, number][])[] = [];
      const reports = world.service.monitorVersionPerformance(tenant, "notes", { interval: 1, signal: stop.signal });
      for await (const report of reports) {
        expect(report).toMatchObject({ tenant, module: "notes" });
        seen.push(report.versions.map(({ version, requests }) => [version, requests] as const));
        if (seen.length === 1) {
          await world.measure(someBatch([{ at: Date.now(), tenant, version: "1.1.0", latencies: [5, 6] }]));
        }
        if (seen.length === 3) stop.abort();
      }
      expect(seen[0]).toEqual([
        ["1.0.0", 0],
        ["1.1.0", 0],
      ]);
      expect(seen.at(-1)).toEqual([
        ["1.0.0", 0],
        ["1.1.0", 2],
      ]);
    });

    test("of two versions is set side by side, for a tenant and for all, with intervals", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const at = Date.now();
      const rows = ["1.0.0", "1.1.0"].map((version, index) => ({
        at,
        version,
        latencies: Array.from({ length: 400 }, (_, count) => (count % 40) + 10 + index * 300),
      }));
      await world.measure(someBatch(rows.map((row) => ({ ...row, tenant }))));
      const found = await world.service.compareVersions("notes", "1.0.0", "1.1.0", { tenant, window: 600 });
      expect(found).toMatchObject({ tenant, a: { version: "1.0.0", requests: 400 }, b: { version: "1.1.0" } });
      expect(found.differences.map(({ measure, meaning }) => [measure, meaning])).toEqual([
        ["errorRate", "unclear"],
        ["p50", "higher"],
        ["p90", "higher"],
        ["p95", "higher"],
        ["p99", expect.stringMatching(/higher|unclear/)],
      ]);
      await world.measure(someBatch(rows.map((row) => ({ ...row, tenant: null }))));
      const all = await world.service.compareVersions("notes", "1.0.0", "1.1.0");
      expect(all.tenant).toBeNull();
      expect(all.a.requests).toBeGreaterThanOrEqual(400);
      await expect(world.service.compareVersions("notes", "1.0.0", "9.9.9")).rejects.toMatchObject({
        code: "AIBOS_VERSION_NOT_FOUND",
      });
      await expect(
        world.service.compareVersions("notes", "1.0.0", "1.1.0", { tenant: "nobody" }),
      ).rejects.toMatchObject({ code: "AIBOS_TENANT_NOT_FOUND" });
    });

    test("of what is not there is refused", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const { service } = world;
      await expect(service.getVersionPerformance(tenant, "notes", "9.9.9")).rejects.toMatchObject({
        code: "AIBOS_VERSION_NOT_FOUND",
      });
      await expect(service.getVersionPerformance("nobody", "notes", "1.0.0")).rejects.toMatchObject({
        code: "AIBOS_TENANT_NOT_FOUND",
      });
      await expect(service.getVersionPerformance(tenant, "notes", "1.0.0", { window: 1 })).rejects.toMatchObject({
        code: "AIBOS_INVALID_REQUEST",
      });
      const next = async (module: string, options = {}) =>
        service.monitorVersionPerformance(tenant, module, options)[Symbol.asyncIterator]().next();
      await expect(next("crm")).rejects.toMatchObject({ code: "AIBOS_MODULE_NOT_INSTALLED" });
      await expect(next("notes", { interval: 0 })).rejects.toMatchObject({ code: "AIBOS_INVALID_REQUEST" });
    });
  });
}
