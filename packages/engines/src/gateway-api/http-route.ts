import { TENANT_CONTEXT_HEADER, TESTER_TOKEN_COOKIE, TESTER_TOKEN_HEADER, MET_FLAGS_HEADER } from "@aibos/contract";
import type { RouteEntry } from "@aibos/gateway";
import { type PlainCondition, plainRules } from "../plain-rules.ts";
import { type ContextSource, signedContext } from "../signed-context.ts";
import { SLOT_HEADER, slotPattern } from "../slot-header.ts";
import { type GatewayApiOptions, MANAGED_BY } from "./gateway-api-options.ts";
import { serviceOf, type ServiceReference } from "./service-reference.ts";

/** A manifest of Kubernetes' Gateway API, as JSON. */
export interface HttpRoute {
  readonly apiVersion: "gateway.networking.k8s.io/v1";
  readonly kind: "HTTPRoute";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly parentRefs: readonly object[]; readonly rules: readonly object[] };
}

/** What one HTTPRoute may have, by the published schema. */
const MOST_RULES = 16;
const MOST_MATCHES = 64;

/**
 * A route as an HTTPRoute. A user's slot comes in `x-aibos-slot` and is matched by range, newest version first as
 * everywhere, so that a user gets the version that a gateway gives; a request without that header is divided by weights.
 * What a Gateway can't do goes to our gateways.
 */
export function httpRouteOf(entry: RouteEntry, source: ContextSource, options: GatewayApiOptions): HttpRoute {
  const { tenant, module } = entry.route;
  const [parent = "", parentNamespace] = options.parent.split("/").toReversed();
  const rules = ownRules(entry, source, options);
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      // Neither identifier has two dashes in a row, so that no two routes share a name.
      name: `${tenant}--${module}`,
      namespace: options.namespace,
      labels: { ...MANAGED_BY, "aibos.dev/tenant": tenant, "aibos.dev/module": module },
    },
    spec: {
      parentRefs: [{ name: parent, ...(parentNamespace !== undefined && { namespace: parentNamespace }) }],
      rules:
        rules === undefined || rules.length + 1 > MOST_RULES
          ? [toGateways([pathMatch(entry, "")], options)]
          : [toGateways(testerMatches(entry), options), ...rules],
    },
  };
}

/** Undefined when the route is a gateway's. */
function ownRules(entry: RouteEntry, source: ContextSource, options: GatewayApiOptions): object[] | undefined {
  const { route } = entry;
  if (route.state !== "active" || route.hold !== null || route.policy?.leaving != null) return undefined;
  const rules = route.policy === null ? [] : plainRules(route.policy, options.stickyHeader);
  const serving = entry.versions.filter(({ weight }) => weight > 0);
  const serves = (version: string): boolean => entry.versions.some((one) => one.version === version);
  const live = rules?.filter(({ version }) => serves(version));
  if (live === undefined || live.some(({ anyOf }) => anyOf.length > MOST_MATCHES)) return undefined;

  const target = (version: string): Target | undefined => {
    const service = serviceOf(source.table, route.module, version);
    const context = signedContext(source, entry, version);
    return service === undefined || context === undefined ? undefined : { service, context, version };
  };
  const mirror = route.policy?.mirror ?? undefined;
  const mirrored = mirror === undefined || !serves(mirror.version) ? undefined : target(mirror.version);
  if (mirrored === undefined && mirror !== undefined) return undefined;
  const copies = mirrored && { ...mirrored, percent: Math.max(1, Math.round((mirror?.weight ?? 0) / 100)) };

  const made: object[] = [];
  const add = (matches: object[], versions: readonly { version: string; weight: number }[]): boolean => {
    const targets = versions.flatMap(({ version, weight }) => {
      const found = target(version);
      return found === undefined ? [] : [{ ...found, weight }];
    });
    made.push(toVersions(matches, targets, copies));
    return targets.length === versions.length;
  };
  let areAll = live.every(({ version, anyOf }) =>
    add(
      anyOf.map((conditions) => matchOf(entry, conditions)),
      [{ version, weight: 1 }],
    ),
  );
  let end = 0;
  for (const { version, weight } of serving.length > 1 ? serving : []) {
    const slots = { type: "RegularExpression", name: SLOT_HEADER, value: slotPattern(end, end + weight - 1) };
    areAll = add([{ ...pathMatch(entry, ""), headers: [slots] }], [{ version, weight: 1 }]) && areAll;
    end += weight;
  }
  areAll = add([pathMatch(entry, "")], serving) && areAll;
  return areAll ? made : undefined;
}

interface Target {
  readonly version: string;
  readonly service: ServiceReference;
  readonly context: string;
}

function toGateways(matches: object[], { gatewayService }: GatewayApiOptions): object {
  const [name = "", port] = gatewayService.split(":");
  return { matches, backendRefs: [{ name, port: Number(port) }] };
}

/**
 * The context is set for each backend, since it is signed for its version. A mirror gets what the rule sets: where an
 * implementation copies after the backend's own filters, the copy has the wrong context and is refused by its version.
 */
function toVersions(
  matches: object[],
  targets: readonly (Target & { readonly weight: number })[],
  copies: (Target & { readonly percent: number }) | undefined,
): object {
  const setContext = (context: string): object => ({
    type: "RequestHeaderModifier",
    requestHeaderModifier: {
      set: [{ name: TENANT_CONTEXT_HEADER, value: context }],
      remove: [SLOT_HEADER, TESTER_TOKEN_HEADER],
    },
  });
  return {
    matches,
    filters: [
      {
        type: "URLRewrite",
        urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" } },
      },
      ...(copies === undefined
        ? []
        : [
            setContext(copies.context),
            { type: "RequestMirror", requestMirror: { backendRef: copies.service, percent: copies.percent } },
          ]),
    ],
    backendRefs: targets.map(({ service, weight, context, version }) => ({
      ...service,
      weight,
      filters: [
        setContext(context),
        {
          type: "ResponseHeaderModifier",
          responseHeaderModifier: {
            set: [{ name: "x-aibos-version", value: version }],
            remove: [MET_FLAGS_HEADER],
          },
        },
      ],
    })),
  };
}

function testerMatches(entry: RouteEntry): object[] {
  const path = pathMatch(entry, "");
  return [
    { ...path, headers: [{ type: "RegularExpression", name: TESTER_TOKEN_HEADER, value: ".+" }] },
    { ...path, headers: [cookieMatch(TESTER_TOKEN_COOKIE, undefined)] },
  ];
}

function pathMatch({ route }: RouteEntry, below: string): object {
  return { path: { type: "PathPrefix", value: `/t/${route.tenant}/${route.module}${below}` } };
}

function matchOf(entry: RouteEntry, conditions: readonly PlainCondition[]): object {
  const headers: object[] = [];
  const paths: string[] = [];
  for (const condition of conditions) {
    switch (condition.kind) {
      case "header":
        headers.push(
          condition.value === undefined
            ? { type: "RegularExpression", name: condition.name, value: ".*" }
            : { type: "Exact", name: condition.name, value: condition.value },
        );
        break;
      case "cookie":
        headers.push(cookieMatch(condition.name, condition.value));
        break;
      case "percent": {
        const last = Math.round(condition.percent * 100) - 1;
        const value = last < 0 ? "^$" : slotPattern(0, last);
        headers.push({ type: "RegularExpression", name: SLOT_HEADER, value });
        break;
      }
      case "path":
        paths.push(condition.prefix);
        break;
    }
  }
  const longest = paths.toSorted((a, b) => b.length - a.length)[0]?.replace(/\/+$/, "") ?? "";
  return { ...pathMatch(entry, longest), ...(headers.length > 0 && { headers }) };
}

function cookieMatch(name: string, value: string | undefined): object {
  const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const wanted = value === undefined ? "[^;]*" : quoted(value);
  return { type: "RegularExpression", name: "cookie", value: `(^|.*;)\\s*${quoted(name)}=${wanted}\\s*(;.*|$)` };
}
