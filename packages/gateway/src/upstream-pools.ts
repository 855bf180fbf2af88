import type { VersionEndpoints } from "@aibos/contract";
import type { GatewaySettings } from "./gateway-options.ts";
import { ConnectionPool } from "./upstream-client/connection-pool.ts";
import type { UpstreamWatch, WatchedUpstream } from "./upstream-watch.ts";

type PoolSettings = Pick<
  GatewaySettings,
  | "upstreamConnectTimeout"
  | "upstreamHeadersTimeout"
  | "upstreamBodyTimeout"
  | "connectionsPerUpstream"
  | "maxWaitingPerUpstream"
  | "upstreamWaitTimeout"
  | "maxHeaderBytes"
>;

/** Where requests of one upstream go: its connections, and the path that its base URL brings along. */
export interface Upstream {
  readonly url: URL;
  /** Goes in front of each request's path; empty for a base URL without a path. */
  readonly basePath: string;
  readonly pool: ConnectionPool;
  readonly watched: WatchedUpstream | undefined;
}

/** One pool of connections for each base URL, for as long as the route table names it. */
export class UpstreamPools {
  readonly #upstreams = new Map<string, Upstream>();
  readonly #turns = new Map<string, number>();
  readonly #settings: PoolSettings;
  readonly #watch: UpstreamWatch;
  #isDestroyed = false;

  constructor(settings: PoolSettings, watch: UpstreamWatch) {
    this.#settings = settings;
    this.#watch = watch;
  }

  /**
   * The upstream of a version whose turn it is, leaving out those that were tried or are ejected; undefined when none is
   * left. `name` is whose turns are counted.
   */
  next(name: string, urls: readonly string[], tried: ReadonlySet<Upstream>): Upstream | undefined {
    // What is cut off at the end must not go on elsewhere: nobody would end that.
    if (this.#isDestroyed) return undefined;
    const turn = (this.#turns.get(name) ?? -1) + 1;
    this.#turns.set(name, turn % Math.max(1, urls.length));
    let later: Upstream | undefined;
    for (let index = 0; index < urls.length; index += 1) {
      const upstream = this.#upstream(urls[(turn + index) % urls.length] ?? "");
      if (tried.has(upstream)) continue;
      const takes = upstream.watched === undefined ? "now" : this.#watch.turnOf(upstream.watched);
      if (takes === "now") return upstream;
      if (takes === "later") later ??= upstream;
    }
    return later;
  }

  /**
   * Follows the upstreams that are named now. Closes the pools of those that are not any more; what is under way on them
   * ends in peace.
   */
  follow(endpoints: Iterable<VersionEndpoints>): void {
    this.#watch.follow(endpoints);
    for (const [url, { pool }] of this.#upstreams) {
      if (this.#watch.of(url) !== undefined) continue;
      this.#upstreams.delete(url);
      pool.close();
    }
  }

  /** Ends all connections. There is no upstream any more. */
  destroy(): void {
    this.#isDestroyed = true;
    const pools = [...this.#upstreams.values()].map((upstream) => upstream.pool);
    this.#upstreams.clear();
    for (const pool of pools) pool.destroy();
  }

  #upstream(address: string): Upstream {
    const known = this.#upstreams.get(address);
    if (known !== undefined) return known;
    const url = new URL(address);
    const pool = new ConnectionPool(url, {
      connections: this.#settings.connectionsPerUpstream,
      maxWaiting: this.#settings.maxWaitingPerUpstream,
      waitTimeout: this.#settings.upstreamWaitTimeout,
      connectTimeout: this.#settings.upstreamConnectTimeout,
      headersTimeout: this.#settings.upstreamHeadersTimeout,
      bodyTimeout: this.#settings.upstreamBodyTimeout,
      maxHeaderBytes: this.#settings.maxHeaderBytes,
    });
    const upstream = { url, basePath: url.pathname.replace(/\/+$/, ""), pool, watched: this.#watch.of(address) };
    this.#upstreams.set(address, upstream);
    return upstream;
  }
}
