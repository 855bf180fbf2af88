import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type FeedPolicy, type RouteChange, verifyTenantContext } from "@aibos/contract";
import { loadEnvoyDefinitions } from "../testing/envoy-definitions.ts";
import { endpointsOf, keyOf, routeOf, tableOf } from "../testing/route-feed-server.ts";
import { createEnvoyTarget, writeEnvoyFiles } from "./envoy-files.ts";
import type { EnvoyOptions } from "./envoy-options.ts";

const NOW = 1_800_000_000_000;
const definitions = loadEnvoyDefinitions();
const policyOf = (part: Partial<FeedPolicy>): FeedPolicy => ({
  rules: [],
  segments: {},
  mirror: null,
  leaving: null,
  ...part,
});
const PROCESSES = [endpointsOf("1.0.0", "http://10.0.0.1:8080"), endpointsOf("2.0.0", "http://two.internal:8080")];

async function optionsOf(): Promise<EnvoyOptions> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-envoy-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return { folder, gateways: ["127.0.0.1:7480"], stickyHeader: "x-user-id", contextSeconds: 3_600 };
}

interface EnvoyRoute {
  match: { path_separated_prefix?: string; headers?: { name: string }[] };
  route?: {
    cluster?: string;
    weighted_clusters?: {
      header_name: string;
      clusters: {
        name: string;
        weight: number;
        request_headers_to_add: { header: { key: string; value: string } }[];
      }[];
    };
  };
}

/** What the files say of acme's notes, after they were checked against Envoy's own definitions. */
async function exported(...changes: RouteChange[]) {
  const options = await optionsOf();
  await writeEnvoyFiles(tableOf(...PROCESSES, ...changes), options, NOW);
  const read = async (name: string) => {
    const json = JSON.parse(await readFile(join(options.folder, name), "utf8")) as { resources: unknown[] };
    expect(definitions.problemsOf(json, "envoy.service.discovery.v3.DiscoveryResponse")).toEqual([]);
    return json.resources;
  };
  const [configuration] = (await read("rds.json")) as { virtual_hosts: { routes: EnvoyRoute[] }[] }[];
  const routes = configuration?.virtual_hosts[0]?.routes ?? [];
  const clusters = (await read("cds.json")) as { name: string }[];
  return { options, clusters, routes: routes.filter(({ match }) => match.path_separated_prefix !== undefined) };
}

describe("Envoy's files", () => {
  test("lay the weights over the user's slot, newest version first, each with a context signed for it", async () => {
    const { routes, clusters } = await exported(routeOf({ weights: { "1.0.0": 7_500, "2.0.0": 2_500 } }));
    expect(clusters.map(({ name }) => name)).toEqual(["aibos-gateways", "notes@1.0.0", "notes@2.0.0"]);
    const [route] = routes;
    expect(routes).toHaveLength(1);
    expect(route?.match).toEqual({ path_separated_prefix: "/t/acme/notes" });
    const weighted = route?.route?.weighted_clusters;
    expect(weighted?.header_name).toBe("x-aibos-slot");
    expect(weighted?.clusters.map(({ name, weight }) => [name, weight])).toEqual([
      ["notes@2.0.0", 2_500],
      ["notes@1.0.0", 7_500],
    ]);
    for (const cluster of weighted?.clusters ?? []) {
      const version = cluster.name.slice("notes@".length);
      const context = cluster.request_headers_to_add[0]?.header.value;
      expect(verifyTenantContext(context, keyOf(version), NOW / 1_000 + 3_600)).toMatchObject({ context: { version } });
      expect(verifyTenantContext(context, keyOf(version), NOW / 1_000 + 3_601)).toEqual({ refusal: "expired" });
    }
  });

  test("ask rules before weights: headers, cookies, paths, users, shares and segments", async () => {
    const { routes } = await exported(
      routeOf({
        weights: { "2.0.0": 0, "1.0.0": 10_000 },
        policy: policyOf({
          segments: { staff: [{ kind: "users", users: ["ada", "grace"] }] },
          rules: [
            {
              when: [
                { kind: "path", prefix: "/reports/" },
                { kind: "header", name: "x-a", value: "1" },
                { kind: "cookie", name: "b.c", value: "(" },
                { kind: "percent", percent: 12.34 },
              ],
              version: "2.0.0",
            },
            { when: [{ kind: "segment", segment: "staff" }], version: "2.0.0" },
            { when: [{ kind: "header", name: "x-a" }], version: "9.0.0" },
          ],
        }),
      }),
    );
    expect(routes.map(({ match }) => match)).toEqual([
      {
        path_separated_prefix: "/t/acme/notes/reports",
        headers: [
          { name: "x-a", string_match: { exact: "1" } },
          { name: "cookie", string_match: { safe_regex: { regex: "(.*;)?\\s*b\\.c=\\(\\s*(;.*)?" } } },
          { name: "x-aibos-slot", range_match: { start: 0, end: 1_234 } },
        ],
      },
      { path_separated_prefix: "/t/acme/notes", headers: [{ name: "x-user-id", string_match: { exact: "ada" } }] },
      { path_separated_prefix: "/t/acme/notes", headers: [{ name: "x-user-id", string_match: { exact: "grace" } }] },
      { path_separated_prefix: "/t/acme/notes" },
    ]);
  });

  const hold = { migrationId: "mig_1", reason: "r", maxWaitMs: 1, retryAfterSeconds: 1 };
  test.each<[string, Parameters<typeof routeOf>[0]]>([
    ["that is held", { hold }],
    ["of a suspended tenant", { state: "suspended" }],
    ["with a mirror", { policy: policyOf({ mirror: { version: "2.0.0", weight: 1, since: 1 } }) }],
    [
      "whose users keep a version",
      { policy: policyOf({ leaving: { weights: [{ version: "2.0.0", weight: 10_000 }], since: 1, until: null } }) },
    ],
    ["to a version without processes", { weights: { "3.0.0": 10_000 } }],
  ])("hand a route %s to the gateways", async (_, part) => {
    const { routes } = await exported(routeOf(part));
    expect(routes).toEqual([
      { match: { path_separated_prefix: "/t/acme/notes" }, route: { cluster: "aibos-gateways" } },
    ]);
  });

  test("are replaced whole, are their owner's alone, and are written anew before the contexts expire", async () => {
    const options = await optionsOf();
    const clock = { now: NOW };
    const target = createEnvoyTarget(options, () => clock.now);
    await target.replace(tableOf(...PROCESSES, routeOf()));
    const before = await stat(join(options.folder, "rds.json"));
    const change = routeOf({ weights: { "2.0.0": 10_000 } });
    await target.change(tableOf(...PROCESSES, change), [change]);
    const after = await stat(join(options.folder, "rds.json"));
    expect(after.ino).not.toBe(before.ino);
    expect(after.mode & 0o777).toBe(0o600);
    expect(await readdir(options.folder)).toEqual(["cds.json", "rds.json"]);
    expect(await target.draining()).toEqual([{ tenant: "acme", module: "notes", requests: 1 }]);
    expect(await target.hasForgotten()).toBe(false);
    clock.now += 1_801_000;
    expect(await target.draining()).toEqual([]);
    expect(await target.hasForgotten()).toBe(true);
  });

  test("are found wrong by the definitions when they are", () => {
    const cluster = { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster" };
    const problems = (part: object) =>
      definitions.problemsOf({ resources: [{ ...cluster, ...part }] }, "envoy.service.discovery.v3.DiscoveryResponse");
    expect(problems({ nam: "x" })).toEqual([expect.stringContaining("nam is not a field")]);
    expect(problems({ name: 5 })).toEqual([expect.stringContaining("is not a string")]);
    expect(problems({ type: "NEVER" })).toEqual([expect.stringContaining("is no ")]);
    expect(problems({ connect_timeout: "5" })).toEqual([expect.stringContaining("not a duration")]);
  });
});
