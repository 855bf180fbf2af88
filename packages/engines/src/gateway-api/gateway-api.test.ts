import { KubeConfig } from "@kubernetes/client-node";
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { describe, expect, test } from "vitest";
import { type FeedPolicy, type RouteChange, verifyTenantContext } from "@aibos/contract";
import { slotOf, versionOfSlot } from "@aibos/domain";
import { startApiServer } from "../testing/api-server.ts";
import { endpointsOf, keyOf, routeOf, tableOf } from "../testing/route-feed-server.ts";
import type { GatewayApiOptions } from "./gateway-api-options.ts";
import { createGatewayApiTarget } from "./gateway-api-target.ts";
import { httpRouteOf } from "./http-route.ts";

const OPTIONS: GatewayApiOptions = {
  namespace: "modules",
  parent: "infra/public",
  gatewayService: "aibos-gateway:7480",
  stickyHeader: "x-user-id",
  contextSeconds: 3_600,
};
const SERVICES = [
  endpointsOf("1.0.0", "http://notes-1.modules.svc.cluster.local:8080"),
  endpointsOf("2.0.0", "http://notes-2.modules:8080"),
];
const policyOf = (part: Partial<FeedPolicy>): FeedPolicy => ({
  rules: [],
  segments: {},
  mirror: null,
  leaving: null,
  ...part,
});

interface Weight {
  readonly version: string;
  readonly weight: number;
}

interface Rule {
  matches: { path: { value: string }; headers?: { type: string; name: string; value: string }[] }[];
  filters?: { type: string; requestMirror?: unknown }[];
  backendRefs: {
    name: string;
    namespace?: string;
    port: number;
    weight?: number;
    filters?: { requestHeaderModifier?: { set: { name: string; value: string }[] } }[];
  }[];
}

/** The rules of acme's notes, after the manifest was checked against the published schema. */
function rulesOf(part: Parameters<typeof routeOf>[0], changes: readonly RouteChange[] = SERVICES): Rule[] {
  const table = tableOf(...changes, routeOf(part));
  const entry = table.route("acme/notes");
  if (entry === undefined) throw new Error("there is no route");
  const manifest = httpRouteOf(entry, { table, expires: 2_000_000_000 }, OPTIONS);
  new HTTPRoute(manifest as unknown as ConstructorParameters<typeof HTTPRoute>[0]).validate();
  return manifest.spec.rules as Rule[];
}

const SPLIT = { "2.0.0": 2_345, "1.0.0": 7_655 };
const toGateways = [{ name: "aibos-gateway", port: 7480 }];

describe("an HTTPRoute", () => {
  test("gives 10,000 users, by their slot, the versions that a gateway gives them", () => {
    const [tester, ...rules] = rulesOf({ weights: SPLIT });
    expect(tester?.backendRefs).toEqual(toGateways);
    const weights: readonly [Weight, Weight] = [
      { version: "2.0.0", weight: 2_345 },
      { version: "1.0.0", weight: 7_655 },
    ];
    for (let n = 0; n < 10_000; n += 1) {
      const slot = slotOf("acme/notes", `user-${n}`);
      const rule = rules.find(({ matches: [match] }) =>
        (match?.headers ?? []).every(({ value }) => new RegExp(value).test(String(slot))),
      );
      const version = versionOfSlot(weights, slot).version;
      expect(rule?.backendRefs).toHaveLength(1);
      expect(rule?.backendRefs[0]?.name).toBe(`notes-${version[0]}`);
    }
  });

  test("divides requests without a slot by weights, and signs a context for each backend", () => {
    const last = rulesOf({ weights: SPLIT }).at(-1);
    expect(last?.matches).toEqual([{ path: { type: "PathPrefix", value: "/t/acme/notes" } }]);
    expect(last?.backendRefs.map(({ name, namespace, port, weight }) => [name, namespace, port, weight])).toEqual([
      ["notes-2", "modules", 8080, 2_345],
      ["notes-1", "modules", 8080, 7_655],
    ]);
    for (const [index, version] of ["2.0.0", "1.0.0"].entries()) {
      const context = last?.backendRefs[index]?.filters?.[0]?.requestHeaderModifier?.set[0]?.value;
      expect(verifyTenantContext(context, keyOf(version), 2_000_000_000)).toMatchObject({ context: { version } });
    }
  });

  test("asks rules before weights", () => {
    const rules = rulesOf({
      weights: { "2.0.0": 0, "1.0.0": 10_000 },
      policy: policyOf({
        segments: {
          staff: [
            { kind: "users", users: ["ada"] },
            { kind: "cookie", name: "staff", value: "1" },
          ],
        },
        rules: [
          {
            when: [
              { kind: "path", prefix: "/reports" },
              { kind: "segment", segment: "staff" },
            ],
            version: "2.0.0",
          },
          { when: [{ kind: "percent", percent: 10 }], version: "2.0.0" },
        ],
      }),
    });
    expect(rules[1]?.matches.map(({ path, headers }) => [path.value, headers?.[0]?.name, headers?.[0]?.type])).toEqual([
      ["/t/acme/notes/reports", "x-user-id", "Exact"],
      ["/t/acme/notes/reports", "cookie", "RegularExpression"],
    ]);
    expect(rules[2]?.matches[0]?.headers?.[0]).toMatchObject({ name: "x-aibos-slot" });
    expect(rules.slice(1, 3).map(({ backendRefs }) => backendRefs[0]?.name)).toEqual(["notes-2", "notes-2"]);
    expect(rules.at(-1)?.backendRefs.map(({ name }) => name)).toEqual(["notes-1"]);
  });

  test("mirrors a share of requests", () => {
    const mirror = { version: "2.0.0", weight: 1_250, since: 1 };
    const [, rule] = rulesOf({ weights: { "2.0.0": 0, "1.0.0": 10_000 }, policy: policyOf({ mirror }) });
    expect(rule?.filters?.find(({ type }) => type === "RequestMirror")?.requestMirror).toEqual({
      backendRef: { name: "notes-2", namespace: "modules", port: 8080 },
      percent: 13,
    });
  });

  const many = Array.from({ length: 16 }, (_, n) => ({
    when: [{ kind: "header" as const, name: `x-${n}` }],
    version: "1.0.0",
  }));
  test.each<[string, Parameters<typeof routeOf>[0], RouteChange[]]>([
    ["is held", { hold: { migrationId: "m", reason: "r", maxWaitMs: 1, retryAfterSeconds: 1 } }, SERVICES],
    ["is of a suspended tenant", { state: "suspended" }, SERVICES],
    ["has more rules than an HTTPRoute can", { policy: policyOf({ rules: many }) }, SERVICES],
    ["has a version that is no Service", {}, [endpointsOf("1.0.0", "http://10.0.0.1:8080")]],
    ["has a version without processes", { weights: { "3.0.0": 10_000 } }, SERVICES],
  ])("leaves a route that %s to the gateways", (_, part, changes) => {
    expect(rulesOf(part, changes)).toEqual([
      { matches: [{ path: { type: "PathPrefix", value: "/t/acme/notes" } }], backendRefs: toGateways },
    ]);
  });
});

describe("Kubernetes in step", () => {
  async function cluster() {
    const server = await startApiServer(OPTIONS.namespace);
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: "test", server: server.url, skipTLSVerify: true }],
      users: [{ name: "test" }],
      contexts: [{ name: "test", cluster: "test", user: "test" }],
      currentContext: "test",
    });
    const clock = { now: 1_800_000_000_000 };
    return { server, clock, target: createGatewayApiTarget(config, OPTIONS, () => clock.now) };
  }
  const tenants = ["a", "b", "c", "d", "e"];
  const named = (names: readonly string[]) => names.map((tenant) => routeOf({ tenant }));

  test("has an HTTPRoute for each route and no other of ours, whoever made them, and leaves others' alone", async () => {
    const { server, target } = await cluster();
    server.routes.set("foreign", { metadata: { name: "foreign" }, spec: {} });
    await target.replace(tableOf(...SERVICES, ...named(tenants)));
    expect([...server.routes.keys()].sort()).toEqual([...tenants.map((name) => `${name}--notes`), "foreign"].sort());
    server.writes.length = 0;
    await target.replace(tableOf(...SERVICES, ...named(["a", "f"])));
    expect([...server.routes.keys()].sort()).toEqual(["a--notes", "f--notes", "foreign"]);
    expect(server.writes.sort()).toEqual(
      [
        "DELETE b--notes",
        "DELETE c--notes",
        "DELETE d--notes",
        "DELETE e--notes",
        "POST f--notes",
        "PUT a--notes",
      ].sort(),
    );
  });

  test("is changed where routes or the processes of their versions changed", async () => {
    const { server, target } = await cluster();
    await target.replace(tableOf(...SERVICES, ...named(tenants)));
    server.writes.length = 0;
    const changes = [routeOf({ tenant: "a", weights: SPLIT }), { ...routeOf({ tenant: "b" }), route: null }];
    const left = named(["c", "d", "e"]);
    await target.change(tableOf(...SERVICES, ...left, ...changes), changes);
    expect(server.writes.filter((write) => !write.startsWith("POST"))).toEqual(["PUT a--notes", "DELETE b--notes"]);
    expect(JSON.stringify(server.routes.get("a--notes"))).toContain("notes-2");
    expect(await target.draining()).toHaveLength(2);
    server.writes.length = 0;
    const moved = endpointsOf("1.0.0", "http://elsewhere:80");
    await target.change(tableOf(...SERVICES, moved, ...left), [moved]);
    expect(server.writes.filter((write) => write.startsWith("PUT"))).toHaveLength(3);
    expect(JSON.stringify(server.routes.get("c--notes"))).toContain("elsewhere");
  });

  test("tells what to look at when the API server refuses, and renews contexts before they expire", async () => {
    const { server, target, clock } = await cluster();
    await target.replace(tableOf(...SERVICES, routeOf()));
    expect(await target.hasForgotten()).toBe(false);
    clock.now += 1_801_000;
    expect(await target.hasForgotten()).toBe(true);
    server.status = 403;
    await expect(target.replace(tableOf(routeOf()))).rejects.toMatchObject({
      code: "AIBOS_ENGINE_FAILED",
      message: expect.stringMatching(/answered 403.*rights on httproutes/),
    });
  });
});
