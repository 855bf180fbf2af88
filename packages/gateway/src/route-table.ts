import { isDeepStrictEqual } from "node:util";
import type { FeedMessage, VersionEndpoints } from "@aibos/contract";
import { type RouteEntry, routeEntryOf } from "./route-entry.ts";
import { type RouteKey, routeKeyOf } from "./route-key.ts";

export type RouteSnapshot = Extract<FeedMessage, { type: "snapshot" }>;
export type RouteDelta = Extract<FeedMessage, { type: "delta" }>;

/** What a message did: the routes that changed, nothing at all, or that something between is missing. */
export type Applied =
  | { readonly kind: "applied"; readonly changed: readonly RouteKey[] }
  | { readonly kind: "old" }
  | { readonly kind: "gap" };

/** All that the gateway knows about where requests go. A message is applied wholly or, when it is bad, not at all. */
export class RouteTable {
  #feed: string | undefined;
  #revision = 0;
  #routes = new Map<RouteKey, RouteEntry>();
  #endpoints = new Map<string, VersionEndpoints>();

  /** The control database that the routes are from; undefined while there are none. */
  get feed(): string | undefined {
    return this.#feed;
  }

  /** The newest revision that was applied. */
  get revision(): number {
    return this.#revision;
  }

  /** How many routes there are. */
  get size(): number {
    return this.#routes.size;
  }

  route(key: RouteKey): RouteEntry | undefined {
    return this.#routes.get(key);
  }

  endpoints(module: string, version: string): VersionEndpoints | undefined {
    return this.#endpoints.get(`${module}@${version}`);
  }

  /** The base URLs of all versions. */
  *urls(): Generator<string> {
    for (const endpoints of this.#endpoints.values()) yield* endpoints.urls;
  }

  /**
   * Replaces everything. A snapshot does not tell when each route changed last, so that at another revision every
   * route counts as changed: a request that is under way may be older than a change which the snapshot hides.
   */
  replace(snapshot: RouteSnapshot): Applied {
    const routes = new Map(
      snapshot.routes.map((route) => [routeKeyOf(route.tenant, route.module), routeEntryOf(route)]),
    );
    const sameRevision = this.#feed === snapshot.feed && this.#revision === snapshot.revision;
    const changed = [...new Set([...this.#routes.keys(), ...routes.keys()])].filter(
      (key) => !sameRevision || !isDeepStrictEqual(this.#routes.get(key)?.route, routes.get(key)?.route),
    );
    this.#routes = routes;
    this.#endpoints = new Map(snapshot.endpoints.map((entry) => [`${entry.module}@${entry.version}`, entry]));
    this.#feed = snapshot.feed;
    this.#revision = snapshot.revision;
    return { kind: "applied", changed };
  }

  /** Applies the changes of the next revision; any other revision is old or shows a gap. */
  apply(delta: RouteDelta): Applied {
    if (this.#feed === undefined || delta.revision > this.#revision + 1) return { kind: "gap" };
    if (delta.revision <= this.#revision) return { kind: "old" };
    // Everything that can fail comes before the first change.
    const steps = delta.changes.map((change) =>
      change.kind === "route"
        ? { key: routeKeyOf(change.tenant, change.module), entry: change.route && routeEntryOf(change.route) }
        : { address: `${change.module}@${change.version}`, endpoints: change.endpoints },
    );
    const changed = new Set<RouteKey>();
    for (const step of steps) {
      if ("address" in step) put(this.#endpoints, step.address, step.endpoints);
      else {
        put(this.#routes, step.key, step.entry);
        changed.add(step.key);
      }
    }
    this.#revision = delta.revision;
    return { kind: "applied", changed: [...changed] };
  }

  /** The table as the message that would build it again; undefined while there is none. */
  snapshot(): RouteSnapshot | undefined {
    if (this.#feed === undefined) return undefined;
    return {
      type: "snapshot",
      feed: this.#feed,
      revision: this.#revision,
      routes: [...this.#routes.values()].map((entry) => entry.route),
      endpoints: [...this.#endpoints.values()],
    };
  }
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
