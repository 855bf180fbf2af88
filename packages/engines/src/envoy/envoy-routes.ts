import { TENANT_CONTEXT_HEADER, TESTER_TOKEN_COOKIE, TESTER_TOKEN_HEADER, MET_FLAGS_HEADER } from "@aibos/contract";
import type { RouteEntry } from "@aibos/gateway";
import { type PlainCondition, plainRules } from "../plain-rules.ts";
import { type ContextSource, signedContext } from "../signed-context.ts";
import { SLOT_HEADER } from "../slot-header.ts";
import { clusterNameOf } from "./envoy-clusters.ts";
import { type EnvoyOptions, GATEWAY_CLUSTER, ROUTE_CONFIGURATION } from "./envoy-options.ts";

/** Whatever is in front of the modules' own names; Envoy removes by exact names. */
const FROM_OUTSIDE = [TESTER_TOKEN_HEADER, "x-aibos-mirror", SLOT_HEADER];

/**
 * The routes (`envoy.config.route.v3.RouteConfiguration`). Weights are laid over the slot that comes in
 * `x-aibos-slot`, newest version first as everywhere, so that a user gets the version that a gateway gives; a request
 * without that header is divided at random. What Envoy can't do by itself goes to the gateways.
 */
export function envoyRouteConfiguration(source: ContextSource, options: EnvoyOptions): object {
  return {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    name: ROUTE_CONFIGURATION,
    virtual_hosts: [
      {
        name: ROUTE_CONFIGURATION,
        domains: ["*"],
        routes: [...allRoutes(source, options)],
      },
    ],
  };
}

function* allRoutes(source: ContextSource, options: EnvoyOptions): Generator<object> {
  const { table } = source;
  // Who has a tester's token is a gateway's: it knows the key.
  yield toGateways({ prefix: "/", headers: [{ name: TESTER_TOKEN_HEADER, present_match: true }] });
  yield toGateways({ prefix: "/", headers: [cookieMatch(TESTER_TOKEN_COOKIE, undefined)] });
  for (const entry of table.entries()) yield* routesOf(entry, source, options);
  yield {
    match: { prefix: "/" },
    direct_response: { status: 404, body: { inline_string: UNKNOWN } },
    response_headers_to_add: [header("content-type", "application/problem+json")],
  };
}

const UNKNOWN = JSON.stringify({
  type: "about:blank",
  status: 404,
  detail: "No tenant's module is known at this address. Check the tenant and the module in it.",
  code: "AIBOS_GATEWAY_ROUTE_UNKNOWN",
});

function* routesOf(entry: RouteEntry, source: ContextSource, options: EnvoyOptions): Generator<object> {
  const { route, policy } = entry;
  const at = { path_separated_prefix: `/t/${route.tenant}/${route.module}` };
  const rules = route.policy === null ? [] : plainRules(route.policy, options.stickyHeader);
  const serving = entry.versions.filter(({ weight }) => weight > 0);
  const needed = [...serving.map(({ version }) => version), ...(rules ?? []).map(({ version }) => version)].filter(
    (version) => entry.versions.some((one) => one.version === version),
  );
  const isOwn =
    route.state === "active" &&
    route.hold === null &&
    rules !== undefined &&
    (policy?.mirror ?? null) === null &&
    policy?.leaving === undefined &&
    needed.every((version) => clusterNameOf(source.table, route.module, version) !== undefined);
  if (!isOwn) {
    yield toGateways(at);
    return;
  }
  for (const { version, anyOf } of rules) {
    if (!entry.versions.some((one) => one.version === version)) continue;
    for (const conditions of anyOf) yield toVersions(match(entry, conditions), [{ version, weight: 1 }], entry, source);
  }
  yield toVersions(at, serving, entry, source);
}

function toGateways(match: object): object {
  return { match, route: { cluster: GATEWAY_CLUSTER } };
}

function toVersions(
  match: object,
  versions: readonly { readonly version: string; readonly weight: number }[],
  entry: RouteEntry,
  source: ContextSource,
): object {
  const { tenant, module } = entry.route;
  const prefix = `/t/${tenant}/${module}`;
  return {
    match,
    route: {
      weighted_clusters: {
        clusters: versions.map(({ version, weight }) => ({
          name: `${module}@${version}`,
          weight,
          request_headers_to_remove: FROM_OUTSIDE,
          request_headers_to_add: [header(TENANT_CONTEXT_HEADER, signedContext(source, entry, version) ?? "")],
          response_headers_to_add: [header("x-aibos-version", version)],
          response_headers_to_remove: [MET_FLAGS_HEADER],
        })),
        header_name: SLOT_HEADER,
      },
      regex_rewrite: { pattern: { regex: `^${prefix}/?` }, substitution: "/" },
      timeout: "60s",
    },
    request_headers_to_add: [header("x-forwarded-prefix", prefix)],
  };
}

function header(key: string, value: string): object {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
}

function match({ route }: RouteEntry, conditions: readonly PlainCondition[]): object {
  const prefix = `/t/${route.tenant}/${route.module}`;
  const headers: object[] = [];
  const paths: string[] = [];
  for (const condition of conditions) {
    switch (condition.kind) {
      case "header":
        headers.push(
          condition.value === undefined
            ? { name: condition.name, present_match: true }
            : { name: condition.name, string_match: { exact: condition.value } },
        );
        break;
      case "cookie":
        headers.push(cookieMatch(condition.name, condition.value));
        break;
      case "percent":
        headers.push({ name: SLOT_HEADER, range_match: { start: 0, end: Math.round(condition.percent * 100) } });
        break;
      case "path":
        paths.push(condition.prefix);
        break;
    }
  }
  // Of several prefixes that all must be met, the longest one says it.
  const longest = paths.toSorted((a, b) => b.length - a.length)[0]?.replace(/\/+$/, "") ?? "";
  return { path_separated_prefix: prefix + longest, ...(headers.length > 0 && { headers }) };
}

/** A cookie, by the field that holds all of them. */
function cookieMatch(name: string, value: string | undefined): object {
  const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const wanted = value === undefined ? "[^;]*" : quoted(value);
  const regex = `(.*;)?\\s*${quoted(name)}=${wanted}\\s*(;.*)?`;
  return { name: "cookie", string_match: { safe_regex: { regex } } };
}
