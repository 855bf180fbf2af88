import { describe, expect, test } from "vitest";
import type { RulesInput } from "@aibos/contract";
import type { ServiceWorld } from "./service-world.ts";

export function describeRoutingPolicy(world: ServiceWorld): void {
  describe("what decides besides weights", () => {
    /** The newest route that was published for the tenant. */
    async function published(tenant: string): Promise<Record<string, unknown>> {
      const { rows } = await world.sql.query<{ route: Record<string, unknown> }>(
        `select change -> 'route' as route from aibos.route_changes, jsonb_array_elements(changes) as change
         where change ->> 'tenant' = $1 order by revision desc limit 1`,
        [tenant],
      );
      return rows[0]?.route ?? {};
    }

    test("rules are replaced as a whole, told, and published with the segments that they name", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
      const rules: RulesInput = {
        segments: { staff: [{ kind: "users", users: ["ada"] }] },
        rules: [
          { when: [{ kind: "segment", segment: "staff" }], version: "1.1.0" },
          { when: [{ kind: "header", name: "X-Canary", value: "yes" }], version: "1.1.0" },
        ],
      };
      const set = await world.service.setRules(tenant, "notes", rules);
      expect(set).toMatchObject({ acknowledged: true, segments: rules.segments, mirror: null, leaving: null });
      expect(set.rules[1]?.when).toEqual([{ kind: "header", name: "x-canary", value: "yes" }]);
      expect(await world.service.getRoutePolicy(tenant, "notes")).toMatchObject({ rules: set.rules });
      expect(await published(tenant)).toMatchObject({ policy: { rules: set.rules, segments: rules.segments } });
      expect((await world.service.setRules(tenant, "notes", { rules: [] })).rules).toEqual([]);
      expect(await published(tenant)).toMatchObject({ policy: null });
    });

    test("rules that can't be used are refused with the place, and the ones before stay", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const good: RulesInput = { rules: [{ when: [{ kind: "path", prefix: "/a" }], version: "1.0.0" }] };
      await world.service.setRules(tenant, "notes", good);
      const refused: [RulesInput, string, RegExp][] = [
        [
          { rules: [{ when: [{ kind: "path", prefix: "/a" }], version: "1.1.0" }] },
          "AIBOS_VERSION_NOT_LIVE",
          /enable-side-by-side/,
        ],
        [
          { rules: [{ when: [{ kind: "segment", segment: "staff" }], version: "1.0.0" }] },
          "AIBOS_INVALID_REQUEST",
          /rules\.0\.when\.0\.segment.*no segment "staff"/,
        ],
        [
          { rules: [{ when: [{ kind: "header", name: "x-aibos-context" }], version: "1.0.0" }] },
          "AIBOS_INVALID_REQUEST",
          /platform's own/,
        ],
        [{ rules: [{ when: [], version: "1.0.0" }] }, "AIBOS_INVALID_REQUEST", /rules\.0\.when/],
      ];
      for (const [rules, code, message] of refused) {
        const failure = { code, message: expect.stringMatching(message) };
        await expect(world.service.setRules(tenant, "notes", rules)).rejects.toMatchObject(failure);
      }
      expect((await world.service.getRoutePolicy(tenant, "notes")).rules).toEqual(good.rules);
      await expect(world.service.setRules("nobody", "notes", good)).rejects.toMatchObject({
        code: "AIBOS_TENANT_NOT_FOUND",
      });
    });

    test("a mirror is set to a live version, adds up what gateways count, and begins anew when it is set again", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await expect(world.service.setMirror(tenant, "notes", { version: "1.1.0", percent: 50 })).rejects.toMatchObject({
        code: "AIBOS_VERSION_NOT_LIVE",
      });
      await world.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
      const set = await world.service.setMirror(tenant, "notes", { version: "1.1.0", percent: 12.5 });
      expect(set.mirror).toEqual({ version: "1.1.0", percent: 12.5 });
      const { mirror } = (await published(tenant))["policy"] as { mirror: { since: number } };
      expect(mirror).toMatchObject({ version: "1.1.0", weight: 1_250 });
      for (const gateway of ["g1", "g2"]) {
        await world.sql.query(
          `insert into aibos.mirror_counts values ($1, 'notes', $2, $3, 1, 10, 1, 2, 3, 4, 100, 250)`,
          [tenant, mirror.since, gateway],
        );
      }
      expect(await world.service.getMirrorReport(tenant, "notes")).toMatchObject({
        mirror: { version: "1.1.0", percent: 12.5 },
        compared: 20,
        statusDiffers: 2,
        sizeDiffers: 4,
        failed: 6,
        skipped: 8,
        meanMs: 10,
        mirrorMeanMs: 25,
      });
      await world.service.setMirror(tenant, "notes", { version: "1.1.0", percent: 1 });
      expect(await world.service.getMirrorReport(tenant, "notes")).toMatchObject({ compared: 0, meanMs: null });
      await world.service.setMirror(tenant, "notes", null);
      expect(await world.service.getMirrorReport(tenant, "notes")).toMatchObject({ mirror: null });
    });

    test("users move at once when a version loses them, or keep it for a time, or while it serves", async () => {
      const tenant = await world.tenantAt("1.0.0");
      await world.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
      const back = { "1.0.0": 100, "1.1.0": 0 };
      const forth = { "1.0.0": 40, "1.1.0": 60 };
      const leaving = async () => (await world.service.getRoutePolicy(tenant, "notes")).leaving;
      await world.service.updateTrafficSplit(tenant, "notes", forth);
      await world.service.updateTrafficSplit(tenant, "notes", back);
      expect(await leaving()).toBeNull();
      await world.service.updateTrafficSplit(tenant, "notes", forth);
      await world.service.updateTrafficSplit(tenant, "notes", back, { stickiness: "drain", drainSeconds: 60 });
      const drained = await leaving();
      expect(drained?.traffic).toEqual(forth);
      expect(Date.parse(drained?.until ?? "") - Date.parse(drained?.since ?? "")).toBe(60_000);
      expect(await published(tenant)).toMatchObject({
        policy: {
          leaving: {
            weights: [
              { version: "1.1.0", weight: 6_000 },
              { version: "1.0.0", weight: 4_000 },
            ],
          },
        },
      });
      const routing = { oldVersion: "1.0.0", newVersion: "1.1.0", routing: "percentage", trafficSplit: 60 } as const;
      await world.service.updateVersionRouting(tenant, "notes", routing, { stickiness: "keep" });
      expect(await leaving()).toMatchObject({ traffic: { "1.0.0": 100 }, until: null });
      await world.service.updateTrafficSplit(tenant, "notes", back);
      expect(await leaving()).toBeNull();
    });

    test("a tester's token is for a live version alone", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const token = await world.service.createTesterToken(tenant, "notes", "1.0.0", { validSeconds: 60 });
      expect(token).toMatchObject({ tenant, version: "1.0.0", token: expect.stringMatching(/^t1\./) });
      expect(Math.abs(Date.parse(token.expiresAt) - Date.now() - 60_000)).toBeLessThan(30_000);
      await expect(world.service.createTesterToken(tenant, "notes", "1.1.0")).rejects.toMatchObject({
        code: "AIBOS_VERSION_NOT_LIVE",
      });
    });

    test("a tenant is suspended with all of its routes in one revision, and taken back", async () => {
      const tenant = await world.tenantAt("1.0.0");
      const suspended = await world.service.suspendTenant(tenant);
      expect(suspended).toMatchObject({ id: tenant, state: "suspended", acknowledged: true });
      expect(await published(tenant)).toMatchObject({ state: "suspended" });
      expect((await world.service.getTenant(tenant)).state).toBe("suspended");
      expect((await world.service.resumeTenant(tenant)).state).toBe("active");
      expect(await published(tenant)).toMatchObject({ state: "active" });
      await expect(world.service.suspendTenant("nobody")).rejects.toMatchObject({ code: "AIBOS_TENANT_NOT_FOUND" });
    });
  });
}
