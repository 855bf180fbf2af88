import { CustomObjectsApi, type KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import type { RouteChange } from "@aibos/contract";
import { type RouteKey, routeKeyOf, type RouteTable } from "@aibos/gateway";
import { EngineError } from "../engine-error.ts";
import type { EngineTarget } from "../engine-target.ts";
import { type GatewayApiOptions, MANAGED_BY } from "./gateway-api-options.ts";
import { type HttpRoute, httpRouteOf } from "./http-route.ts";

const KIND = { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" };
const PAGE = 500;
/** A Gateway does not tell which requests it works on: for so long some may be from before, in milliseconds. */
const SETTLE_MS = 10_000;

const listSchema = z.looseObject({
  metadata: z.looseObject({ continue: z.string().optional() }),
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), resourceVersion: z.string().optional() }),
      spec: z.unknown(),
    }),
  ),
});

/** Kubernetes' API server, whose HTTPRoutes are brought to the routes: what differs is put, what is too much is deleted. */
export function createGatewayApiTarget(
  config: KubeConfig,
  options: GatewayApiOptions,
  now: () => number = Date.now,
): EngineTarget {
  const api = config.makeApiClient(CustomObjectsApi);
  const { namespace } = options;
  const labelSelector = Object.entries(MANAGED_BY)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  let signedAt = 0;
  const changed = new Map<string, { tenant: string; module: string; at: number }>();

  const expires = (): number => Math.floor(signedAt / 1_000) + options.contextSeconds;

  /** The names of our HTTPRoutes that are there. */
  async function present(): Promise<Set<string>> {
    const names = new Set<string>();
    let next: string | undefined;
    do {
      const page = listSchema.parse(
        await api.listNamespacedCustomObject({
          ...KIND,
          namespace,
          labelSelector,
          limit: PAGE,
          ...(next !== undefined && { _continue: next }),
        }),
      );
      for (const { metadata } of page.items) names.add(metadata.name);
      next = page.metadata.continue === "" ? undefined : page.metadata.continue;
    } while (next !== undefined);
    return names;
  }

  async function put(route: HttpRoute, isThere: boolean): Promise<void> {
    const { name } = route.metadata;
    if (!isThere) {
      const made = await api.createNamespacedCustomObject({ ...KIND, namespace, body: route }).then(
        () => true,
        (error: unknown) => {
          if (statusOf(error) === 409) return false;
          throw error;
        },
      );
      if (made) return;
    }
    const before = listSchema.shape.items.element.parse(
      await api.getNamespacedCustomObject({ ...KIND, namespace, name }),
    );
    const metadata = { ...route.metadata, resourceVersion: before.metadata.resourceVersion };
    await api.replaceNamespacedCustomObject({ ...KIND, namespace, name, body: { ...route, metadata } });
  }

  async function remove(name: string): Promise<void> {
    await api.deleteNamespacedCustomObject({ ...KIND, namespace, name }).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw error;
    });
  }

  async function told<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      const status = statusOf(error);
      const detail =
        status === undefined
          ? `its API server does not answer (${String(error)})`
          : `its API server answered ${status}`;
      throw new EngineError("Kubernetes", `${detail}. Check the kubeconfig, and the rights on httproutes.`, error);
    });
  }

  async function replace(table: RouteTable): Promise<void> {
    signedAt = now();
    const source = { table, expires: expires() };
    const extra = await present();
    for (const entry of table.entries()) {
      const route = httpRouteOf(entry, source, options);
      await put(route, extra.delete(route.metadata.name));
    }
    for (const name of extra) await remove(name);
  }

  async function change(table: RouteTable, changes: readonly RouteChange[]): Promise<void> {
    const source = { table, expires: expires() };
    for (const key of touched(table, changes)) {
      const entry = table.route(key);
      const [tenant = "", module = ""] = key.split("/");
      if (entry === undefined) await remove(`${tenant}--${module}`);
      else await put(httpRouteOf(entry, source, options), false);
      changed.set(key, { tenant, module, at: now() });
    }
  }

  return {
    replace: (table) => told(replace(table)),
    change: (table, changes) => told(change(table, changes)),
    async draining() {
      for (const [key, { at }] of changed) if (now() - at >= SETTLE_MS) changed.delete(key);
      return [...changed.values()].map(({ tenant, module }) => ({ tenant, module, requests: 1 }));
    },
    hasForgotten: async () => now() - signedAt > options.contextSeconds * 500,
    close: async () => undefined,
  };
}

/** The routes that changed, and those of versions whose processes moved. */
function touched(table: RouteTable, changes: readonly RouteChange[]): Set<RouteKey> {
  const keys = new Set<RouteKey>();
  const moved = new Set<string>();
  for (const change of changes) {
    if (change.kind === "route") keys.add(routeKeyOf(change.tenant, change.module));
    else moved.add(`${change.module}@${change.version}`);
  }
  if (moved.size === 0) return keys;
  for (const { key, route } of table.entries()) {
    if (route.versions.some(({ version }) => moved.has(`${route.module}@${version}`))) keys.add(key);
  }
  return keys;
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}
