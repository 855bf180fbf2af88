import type { RouteChange } from "@aibos/contract";
import { type RouteEntry, type RouteKey, routeKeyOf, type RouteTable } from "@aibos/gateway";
import type { HaproxyOptions } from "./haproxy-options.ts";
import { haproxyRow } from "./haproxy-route.ts";
import { type ServerAddress, serverAddressOf, VersionBackends } from "./version-backends.ts";

/** What HAProxy shall know, computed from the route table: the ideal that its maps and servers are brought to. */
export class HaproxyState {
  /** `<tenant>/<module>` → row. */
  readonly routes = new Map<RouteKey, string>();
  /** `<module>@<version>` → base64 of the key that signs its contexts, as `hmac` takes it. */
  readonly keys = new Map<string, string>();
  /** Backend → its processes. */
  readonly servers = new Map<string, readonly ServerAddress[]>();
  readonly #backends: VersionBackends;

  constructor({ versions, processes }: Pick<HaproxyOptions, "versions" | "processes">) {
    this.#backends = new VersionBackends(versions, processes);
  }

  backendOf(address: string): string | undefined {
    return this.#backends.nameOf(address);
  }

  /** Begins anew from a whole table; backends stay with the versions that have them. */
  replace(table: RouteTable): void {
    const wanted = new Set([...table.allEndpoints()].map(({ module, version }) => `${module}@${version}`));
    for (const [address] of this.#backends.entries()) if (!wanted.has(address)) this.#backends.remove(address);
    this.servers.clear();
    this.keys.clear();
    for (const { module, version } of table.allEndpoints()) this.#takeEndpoints(table, module, version);
    this.routes.clear();
    for (const entry of table.entries()) this.routes.set(entry.key, this.#rowOf(entry, table.revision));
  }

  /** Takes changes over; tells which routes and which versions they touch. */
  change(
    table: RouteTable,
    changes: readonly RouteChange[],
  ): { routes: ReadonlySet<RouteKey>; versions: ReadonlySet<string> } {
    const routes = new Set<RouteKey>();
    const versions = new Set<string>();
    for (const change of changes) {
      if (change.kind === "route") {
        routes.add(routeKeyOf(change.tenant, change.module));
        continue;
      }
      const address = `${change.module}@${change.version}`;
      const before = this.#backends.nameOf(address);
      this.#takeEndpoints(table, change.module, change.version);
      versions.add(address);
      // Whether HAProxy can do a route by itself may depend on where this version is.
      if (before === this.#backends.nameOf(address)) continue;
      for (const { key, route } of table.entries()) {
        if (route.module === change.module && route.versions.some(({ version }) => version === change.version)) {
          routes.add(key);
        }
      }
    }
    for (const key of routes) {
      const entry = table.route(key);
      if (entry === undefined) this.routes.delete(key);
      else this.routes.set(key, this.#rowOf(entry, table.revision));
    }
    return { routes, versions };
  }

  #takeEndpoints(table: RouteTable, module: string, version: string): void {
    const address = `${module}@${version}`;
    const endpoints = table.endpoints(module, version);
    const before = this.#backends.nameOf(address);
    // A version whose processes are away for a moment keeps its backend.
    const name =
      endpoints === undefined ? before : endpoints.urls.length === 0 ? before : this.#backends.place(endpoints);
    if (endpoints === undefined) this.keys.delete(address);
    else this.keys.set(address, Buffer.from(endpoints.contextKey, "utf8").toString("base64"));
    if (before !== undefined && name === undefined) this.servers.set(before, []);
    if (name !== undefined)
      this.servers.set(
        name,
        (endpoints?.urls ?? []).flatMap((url) => serverAddressOf(url) ?? []),
      );
  }

  #rowOf(entry: RouteEntry, revision: number): string {
    const { module } = entry.route;
    return haproxyRow(entry, String(revision), (version) => this.#backends.nameOf(`${module}@${version}`));
  }
}
