import { isDeepStrictEqual } from "node:util";
import type { FeedMessage, TenantRoute, VersionEndpoints } from "@aibos/contract";
import { PackedRoutes, type PackedRow } from "./packed-routes.ts";
import { type RouteEntry, routeEntryOf } from "./route-entry.ts";
import { type RouteKey, routeKeyOf } from "./route-key.ts";

export type RouteSnapshot = Extract<FeedMessage, { type: "snapshot" }>;
export type RouteDelta = Extract<FeedMessage, { type: "delta" }>;

/**
 * What a message did: the routes that changed, or that all did, nothing at all, nothing until the snapshot's other parts
 * are there, or that something between is missing.
 */
export type Applied =
  | { readonly kind: "applied"; readonly changed: readonly RouteKey[] | "all" }
  | { readonly kind: "old" }
  | { readonly kind: "begun" }
  | { readonly kind: "gap" };

/** A snapshot of which some parts came. */
interface Incoming {
  readonly feed: string;
  readonly revision: number;
  parts: number;
  readonly routes: PackedRoutes;
  readonly endpoints: Map<string, VersionEndpoints>;
}

/** All that the gateway knows about where requests go. A message is applied wholly or, when it is bad, not at all. */
export class RouteTable {
  #feed: string | undefined;
  #revision = 0;
  #routes = new PackedRoutes();
  #endpoints = new Map<string, VersionEndpoints>();
  #testerKey = "";
  #incoming: Incoming | undefined;

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

  /** All routes. */
  entries(): Iterable<RouteEntry> {
    return this.#routes.values();
  }

  /** Where all versions' processes listen. */
  allEndpoints(): Iterable<VersionEndpoints> {
    return this.#endpoints.values();
  }

  /** The base URLs of all versions. */
  *urls(): Generator<string> {
    for (const endpoints of this.#endpoints.values()) yield* endpoints.urls;
  }

  /** The key that signs testers' tokens; empty while there are no routes. */
  get testerKey(): string {
    return this.#testerKey;
  }

  /** All routes as they are kept. */
  packed(): Iterable<PackedRow> {
    return this.#routes.packed();
  }

  /** Takes what was kept of a table. */
  restore(kept: {
    readonly feed: string;
    readonly revision: number;
    readonly testerKey: string;
    readonly endpoints: readonly VersionEndpoints[];
    readonly routes: PackedRoutes;
  }): void {
    this.#feed = kept.feed;
    this.#revision = kept.revision;
    this.#testerKey = kept.testerKey;
    this.#routes = kept.routes;
    this.#endpoints = new Map(kept.endpoints.map((entry) => [`${entry.module}@${entry.version}`, entry]));
  }

  /**
   * Replaces everything when the last part of the snapshot is there. A snapshot does not tell when each route changed
   * last, so that at another revision every route counts as changed: a request that is under way may be older than a
   * change which the snapshot hides.
   */
  replace(part: RouteSnapshot): Applied {
    const incoming = part.part === 0 ? incomingOf(part) : this.#incoming;
    this.#incoming = undefined;
    if (incoming === undefined || !isNextPart(incoming, part)) return { kind: "gap" };
    for (const route of part.routes) {
      routeEntryOf(route);
      incoming.routes.set(route);
    }
    for (const entry of part.endpoints) incoming.endpoints.set(`${entry.module}@${entry.version}`, entry);
    incoming.parts += 1;
    if (!part.last) {
      this.#incoming = incoming;
      return { kind: "begun" };
    }
    const { routes } = incoming;
    const sameRevision = this.#feed === part.feed && this.#revision === part.revision;
    const changed = sameRevision ? difference(this.#routes, routes) : "all";
    this.#routes = routes;
    this.#endpoints = incoming.endpoints;
    this.#feed = part.feed;
    this.#revision = part.revision;
    this.#testerKey = part.testerKey;
    return { kind: "applied", changed };
  }

  /** Applies the changes of the next revision; any other revision is old or shows a gap. */
  apply(delta: RouteDelta): Applied {
    this.#incoming = undefined;
    if (this.#feed === undefined || delta.revision > this.#revision + 1) return { kind: "gap" };
    if (delta.revision <= this.#revision) return { kind: "old" };
    // Everything that can fail comes before the first change.
    const steps = delta.changes.map((change) =>
      change.kind === "route"
        ? { key: routeKeyOf(change.tenant, change.module), route: change.route && checked(change.route) }
        : { address: `${change.module}@${change.version}`, endpoints: change.endpoints },
    );
    const changed = new Set<RouteKey>();
    for (const step of steps) {
      if ("address" in step) put(this.#endpoints, step.address, step.endpoints);
      else {
        if (step.route === null) this.#routes.delete(step.key);
        else this.#routes.set(step.route);
        changed.add(step.key);
      }
    }
    this.#revision = delta.revision;
    return { kind: "applied", changed: [...changed] };
  }

  /**
   * The table as the messages that would build it again; none while it is empty. It may be changed between two parts:
   * what came after the revision of the first one must then be applied after the last, whether or not a part has it.
   *
   * @param size routes in a part
   */
  *snapshot(size = 1_000): Generator<RouteSnapshot> {
    if (this.#feed === undefined) return;
    const head = { type: "snapshot" as const, feed: this.#feed, revision: this.#revision, testerKey: this.#testerKey };
    let endpoints = [...this.#endpoints.values()];
    let part = 0;
    let routes: TenantRoute[] = [];
    for (const { route } of this.#routes.values()) {
      if (routes.length === size) {
        yield { ...head, part, last: false, routes, endpoints };
        part += 1;
        routes = [];
        endpoints = [];
      }
      routes.push(route);
    }
    yield { ...head, part, last: true, routes, endpoints };
  }
}

function incomingOf({ feed, revision }: RouteSnapshot): Incoming {
  return { feed, revision, parts: 0, routes: new PackedRoutes(), endpoints: new Map() };
}

function difference(before: PackedRoutes, after: PackedRoutes): RouteKey[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => !isDeepStrictEqual(before.get(key)?.route, after.get(key)?.route));
}

function isNextPart(incoming: Incoming, { feed, revision, part }: RouteSnapshot): boolean {
  return incoming.feed === feed && incoming.revision === revision && incoming.parts === part;
}

/** @throws what {@link routeEntryOf} throws */
function checked(route: TenantRoute): TenantRoute {
  routeEntryOf(route);
  return route;
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
