import { Pool } from "undici";
import type { GatewaySettings } from "./gateway-options.ts";

type PoolSettings = Pick<
  GatewaySettings,
  | "upstreamConnectTimeout"
  | "upstreamHeadersTimeout"
  | "upstreamBodyTimeout"
  | "connectionsPerUpstream"
  | "maxHeaderBytes"
>;

/** Where requests of one upstream go: its connections, and the path that its base URL brings along. */
export interface Upstream {
  readonly url: URL;
  /** Goes in front of each request's path; empty for a base URL without a path. */
  readonly basePath: string;
  readonly pool: Pool;
}

/** One pool of connections for each base URL, for as long as the route table names it. */
export class UpstreamPools {
  readonly #upstreams = new Map<string, Upstream>();
  readonly #turns = new Map<string, number>();
  readonly #settings: PoolSettings;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /**
   * The upstream of a version whose turn it is, leaving out those that were tried; undefined when none is left.
   * `name` is whose turns are counted.
   */
  next(name: string, urls: readonly string[], tried: ReadonlySet<Upstream>): Upstream | undefined {
    const turn = (this.#turns.get(name) ?? -1) + 1;
    this.#turns.set(name, turn % Math.max(1, urls.length));
    for (let index = 0; index < urls.length; index += 1) {
      const upstream = this.#upstream(urls[(turn + index) % urls.length] ?? "");
      if (!tried.has(upstream)) return upstream;
    }
    return undefined;
  }

  /** Closes the pools of upstreams that are not named any more; what is under way on them ends in peace. */
  keepOnly(urls: Iterable<string>): void {
    const wanted = new Set(urls);
    for (const [url, { pool }] of this.#upstreams) {
      if (wanted.has(url)) continue;
      this.#upstreams.delete(url);
      pool.close().catch(() => undefined);
    }
  }

  /** Ends all connections. */
  async destroy(): Promise<void> {
    const pools = [...this.#upstreams.values()].map((upstream) => upstream.pool);
    this.#upstreams.clear();
    await Promise.allSettled(pools.map((pool) => pool.destroy()));
  }

  #upstream(address: string): Upstream {
    const known = this.#upstreams.get(address);
    if (known !== undefined) return known;
    const url = new URL(address);
    const pool = new Pool(url.origin, {
      connections: this.#settings.connectionsPerUpstream,
      pipelining: 1,
      connectTimeout: this.#settings.upstreamConnectTimeout,
      headersTimeout: this.#settings.upstreamHeadersTimeout,
      bodyTimeout: this.#settings.upstreamBodyTimeout,
      maxHeaderSize: this.#settings.maxHeaderBytes,
    });
    const upstream = { url, basePath: url.pathname.replace(/\/+$/, ""), pool };
    this.#upstreams.set(address, upstream);
    return upstream;
  }
}
