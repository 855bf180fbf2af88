import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantRoute } from "@aibos/contract";
import { PackedRoutes } from "./packed-routes.ts";
import { routeEntryOf } from "./route-entry.ts";
import { type RouteKey, routeKeyOf } from "./route-key.ts";
import { policyOf, routeOf } from "./testing/started-gateway.ts";

const route = fc
  .record({
    tenant: fc.integer({ min: 0, max: 60 }).map((n) => `tenant-${n}`),
    module: fc.constantFrom("notes", "crm"),
    newest: fc.integer({ min: 0, max: 3 }),
    names: fc.constantFrom("plain", "ünïcode ✓", 'quo"ted \\ \n', ""),
    state: fc.constantFrom<TenantRoute["state"]>("active", "suspended"),
    isRuled: fc.boolean(),
  })
  .map(({ tenant, module, newest, names, state, isRuled }): TenantRoute => {
    const { route } = routeOf({ tenant, module, state, role: `r_${tenant}_${names}` });
    const of = (version: string, weight: number) => {
      return { version, weight, schema: `s_${tenant}_${names}`, views: `v_${tenant}_${version}`, dataVersion: "1.0.0" };
    };
    const versions = [of("2.0.0", newest * 1_000), of("1.0.0", 10_000 - newest * 1_000)];
    const policy = isRuled ? policyOf({ rules: [{ when: [], version: "1.0.0" }] }) : null;
    return { ...route, versions, policy };
  });

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ set: route }) },
  { weight: 2, arbitrary: fc.record({ remove: route }) },
  { weight: 1, arbitrary: fc.record({ get: route }) },
);
const keyOf = ({ tenant, module }: TenantRoute): RouteKey => routeKeyOf(tenant, module);

test("holds what a map of the same routes would, through any changes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const packed = new PackedRoutes();
      const model = new Map<RouteKey, TenantRoute>();
      const seen: [TenantRoute | undefined, TenantRoute | undefined][] = [];
      for (const one of steps) {
        if ("set" in one) {
          packed.set(one.set);
          model.set(keyOf(one.set), one.set);
        } else if ("remove" in one) {
          packed.delete(keyOf(one.remove));
          model.delete(keyOf(one.remove));
        } else seen.push([packed.get(keyOf(one.get))?.route, model.get(keyOf(one.get))]);
      }
      for (const [found, wanted] of seen) expect(found).toEqual(wanted);
      expect(packed.size).toBe(model.size);
      expect([...packed.keys()].toSorted()).toEqual([...model.keys()].toSorted());
      for (const [key, wanted] of model) expect(packed.get(key)?.route).toEqual(wanted);
      for (const entry of packed.values()) expect(entry.route).toEqual(model.get(entry.key));
      expect([...packed.packed()]).toHaveLength(model.size);
    }),
    { numRuns: 200 },
  );
});

test("keeps every route when many change again and again, and the memory of the old ones is given back", () => {
  const packed = new PackedRoutes();
  const roleOf = (round: number, tenant: number): string => `r_${round}_${tenant}_${"x".repeat(200)}`;
  for (let round = 0; round < 12; round += 1) {
    for (let tenant = 0; tenant < 3_000; tenant += 1) {
      packed.set(routeOf({ tenant: `t${tenant}`, role: roleOf(round, tenant) }).route);
    }
  }
  expect(packed.size).toBe(3_000);
  for (let tenant = 0; tenant < 3_000; tenant += 1) {
    expect(packed.get(`t${tenant}/notes`)?.route.role).toBe(roleOf(11, tenant));
  }
});

test("holds a route that is larger than a piece of its memory", () => {
  const packed = new PackedRoutes();
  const role = "r".repeat(3_000_000);
  packed.set(routeOf({ tenant: "a" }).route);
  packed.set(routeOf({ tenant: "b", role }).route);
  packed.set(routeOf({ tenant: "c" }).route);
  expect(packed.get("b/notes")?.route.role).toBe(role);
  expect([packed.get("a/notes")?.key, packed.get("c/notes")?.key]).toEqual(["a/notes", "c/notes"]);
});

test("gives a route that is asked for again as the same object, until it changes", () => {
  const packed = new PackedRoutes();
  packed.set(routeOf().route);
  const entry = packed.get("acme/notes");
  expect(packed.get("acme/notes")).toBe(entry);
  packed.set(routeOf({ role: "r_new" }).route);
  expect(packed.get("acme/notes")?.route.role).toBe("r_new");
  packed.delete("acme/notes");
  expect(packed.get("acme/notes")).toBeUndefined();
});

test("goes on serving all routes when more are asked for than are ready at once", () => {
  const packed = new PackedRoutes();
  for (let tenant = 0; tenant < 20_000; tenant += 1) packed.set(routeOf({ tenant: `t${tenant}` }).route);
  for (let round = 0; round < 2; round += 1) {
    for (let tenant = 0; tenant < 20_000; tenant += 1) {
      expect(packed.get(`t${tenant}/notes`)?.route.tenant).toBe(`t${tenant}`);
    }
  }
});

test("computes the policy of equal routes once", () => {
  const packed = new PackedRoutes();
  const policy = policyOf({ rules: [{ when: [], version: "1.0.0" }] });
  for (const tenant of ["a", "b"]) packed.set(routeOf({ tenant, policy }).route);
  expect(packed.get("a/notes")?.policy).toBe(packed.get("b/notes")?.policy);
  expect(packed.get("a/notes")?.versions).toEqual(routeEntryOf(routeOf({ tenant: "a" }).route).versions);
});
