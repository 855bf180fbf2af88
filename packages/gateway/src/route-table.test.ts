import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RouteChange } from "@aibos/contract";
import { KeptRoutesReader, keptTexts } from "./kept-routes.ts";
import { routeKeyOf } from "./route-key.ts";
import { type RouteSnapshot, RouteTable } from "./route-table.ts";
import { EMPTY_SNAPSHOT, endpointsOf, routeOf } from "./testing/started-gateway.ts";

const empty = EMPTY_SNAPSHOT;

function tableWith(...changes: RouteChange[]): RouteTable {
  const table = new RouteTable();
  table.replace(empty);
  if (changes.length > 0) table.apply({ type: "delta", revision: 2, changes });
  return table;
}

describe("a route table", () => {
  test("without a snapshot has nothing to apply a delta to, and nothing to keep", () => {
    const table = new RouteTable();
    expect(table.apply({ type: "delta", revision: 1, changes: [] })).toEqual({ kind: "gap" });
    expect([...table.snapshot()]).toEqual([]);
    expect(table.feed).toBeUndefined();
  });

  test("takes the next revision only", () => {
    const table = tableWith();
    expect(table.apply({ type: "delta", revision: 3, changes: [routeOf()] })).toEqual({ kind: "gap" });
    expect(table.apply({ type: "delta", revision: 1, changes: [routeOf()] })).toEqual({ kind: "old" });
    expect([table.size, table.revision]).toEqual([0, 1]);
    expect(table.apply({ type: "delta", revision: 2, changes: [routeOf(), endpointsOf([])] })).toEqual({
      kind: "applied",
      changed: ["acme/notes"],
    });
    expect([table.size, table.revision]).toEqual([1, 2]);
  });

  test.each([
    ["weights that do not add up", routeOf({ tenant: "b", weights: { "1.0.0": 1 } })],
    ["no weight at all", routeOf({ tenant: "b", weights: { "1.0.0": 0 } })],
    ["a version that is none", routeOf({ tenant: "b", weights: { one: 10_000 } })],
    ["a module that is none", routeOf({ module: "a/b" })],
  ])("takes nothing of a message with %s in it", (_case, bad) => {
    const table = tableWith(routeOf());
    const before = [...table.snapshot()];
    const changes = [routeOf({ tenant: "a" }), { ...routeOf(), route: null }, bad];
    expect(() => table.apply({ type: "delta", revision: 3, changes })).toThrow(/add up|not a valid/);
    expect(() => table.replace({ ...empty, revision: 9, routes: [routeOf({ tenant: "a" }).route, bad.route] })).toThrow(
      /add up|not a valid/,
    );
    expect([...table.snapshot()]).toEqual(before);
  });

  test("counts every route as changed by a snapshot of another revision or feed, those that went too", () => {
    const routes = [routeOf().route, routeOf({ tenant: "new" }).route];
    for (const part of [{ revision: 7 }, { feed: "feed-2", revision: 2 }]) {
      const table = tableWith(routeOf(), routeOf({ tenant: "gone" }));
      const applied = table.replace({ ...empty, ...part, routes });
      expect(applied).toEqual({ kind: "applied", changed: "all" });
    }
  });

  test("counts only what differs as changed by a snapshot of its own revision", () => {
    const table = tableWith(routeOf(), routeOf({ tenant: "other" }));
    const routes = [routeOf({ role: "r_new" }).route, routeOf({ tenant: "other" }).route];
    expect(table.replace({ ...empty, revision: 2, routes })).toEqual({ kind: "applied", changed: ["acme/notes"] });
  });

  test("keeps what it has until the last part of a snapshot is there", () => {
    const table = tableWith(routeOf());
    const first = { ...empty, revision: 5, last: false, routes: [routeOf({ tenant: "a" }).route] };
    const second = { ...empty, revision: 5, part: 1, routes: [routeOf({ tenant: "b" }).route] };
    expect(table.replace(first)).toEqual({ kind: "begun" });
    expect([table.size, table.revision]).toEqual([1, 2]);
    expect(table.replace(second)).toEqual({ kind: "applied", changed: "all" });
    expect([table.size, table.revision]).toEqual([2, 5]);
  });

  test.each<[string, Partial<RouteSnapshot>]>([
    ["that is not the next one", { part: 2 }],
    ["of another revision", { revision: 6 }],
    ["of another feed", { feed: "feed-2" }],
  ])("takes no part %s, nor anything after it until a snapshot begins", (_case, wrong) => {
    const table = tableWith(routeOf());
    const next = { ...empty, revision: 5, part: 1 };
    table.replace({ ...empty, revision: 5, last: false });
    expect(table.replace({ ...next, ...wrong })).toEqual({ kind: "gap" });
    expect(table.replace(next)).toEqual({ kind: "gap" });
    expect(table.revision).toBe(2);
  });

  test("does not finish a snapshot that a delta came into", () => {
    const table = tableWith(routeOf());
    table.replace({ ...empty, revision: 5, last: false });
    table.apply({ type: "delta", revision: 3, changes: [] });
    expect(table.replace({ ...empty, revision: 5, part: 1 })).toEqual({ kind: "gap" });
  });

  const tenant = fc.constantFrom("a", "b", "c");
  const change: fc.Arbitrary<RouteChange> = fc.oneof(
    fc.record({ tenant, role: fc.constantFrom("r1", "r2") }).map((part) => routeOf(part)),
    tenant.map((name): RouteChange => ({ kind: "route", tenant: name, module: "notes", route: null })),
    fc.array(fc.constantFrom("http://p1", "http://p2"), { maxLength: 2 }).map((urls) => endpointsOf(urls)),
    fc.constant<RouteChange>({ kind: "endpoints", module: "notes", version: "1.0.0", endpoints: null }),
  );

  test("is the same after any deltas as after the snapshot that they lead to", () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 8 }), (deltas) => {
        const table = tableWith();
        const roles = new Map<string, string>();
        deltas.forEach((changes, index) => {
          const applied = table.apply({ type: "delta", revision: index + 2, changes });
          const touched = changes.flatMap((one) => (one.kind === "route" ? [routeKeyOf(one.tenant, one.module)] : []));
          expect(applied).toEqual({ kind: "applied", changed: [...new Set(touched)] });
          for (const one of changes) {
            if (one.kind !== "route") continue;
            if (one.route === null) roles.delete(one.tenant);
            else roles.set(one.tenant, one.route.role);
          }
        });
        for (const name of ["a", "b", "c"]) expect(table.route(`${name}/notes`)?.route.role).toBe(roles.get(name));
        const copy = new RouteTable();
        const parts = [...table.snapshot(2)];
        const applied = parts.map((part) => copy.replace(JSON.parse(JSON.stringify(part)) as RouteSnapshot));
        expect(applied.map(({ kind }) => kind)).toEqual([...parts.slice(1).map(() => "begun"), "applied"]);
        expect([...copy.snapshot(2)]).toEqual(parts);
        expect([...copy.urls()]).toEqual([...table.urls()]);
      }),
    );
  });

  test("is kept whole when a route goes and comes again while it is written", () => {
    const names = Array.from({ length: 1_500 }, (_, index) => `t${index}`);
    const table = tableWith(...names.map((tenant) => routeOf({ tenant })));
    const texts = keptTexts(table);
    const kept = [texts.next().value, texts.next().value];
    const deltas = [
      [{ kind: "route", tenant: "t0", module: "notes", route: null }],
      [routeOf({ tenant: "new" })],
      [routeOf({ tenant: "t0", role: "again" })],
    ].map((changes, index) => ({ type: "delta", revision: index + 3, changes: changes as RouteChange[] }) as const);
    for (const delta of deltas) table.apply(delta);
    kept.push(...texts, ...deltas.map((delta) => JSON.stringify(delta)));
    const read = new RouteTable();
    const reader = new KeptRoutesReader(read);
    for (const text of kept) reader.take(text ?? "");
    expect([read.size, read.revision]).toEqual([table.size, table.revision]);
    expect(read.route("t0/notes")?.route.role).toBe("again");
    expect(read.route("new/notes")).toBeDefined();
  });
});
