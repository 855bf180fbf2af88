import type { Logger } from "pino";
import {
  type EjectedUpstream,
  type EjectionReason,
  type Metric,
  MOST_EJECTED_IN_REPORT,
  type VersionEndpoints,
} from "@aibos/contract";
import type { GatewaySettings } from "./gateway-options.ts";
import {
  healthAfter,
  healthAt,
  type HealthEvent,
  type HealthPolicy,
  newHealth,
  shareAt,
  type UpstreamHealth,
} from "./upstream-health.ts";
import { probeUpstream } from "./upstream-probe.ts";

export type WatchSettings = HealthPolicy &
  Pick<GatewaySettings, "probeInterval" | "probeTimeout" | "maxEjectedShare" | "now" | "random">;

/** An upstream of a version, whose health is followed. */
export interface WatchedUpstream {
  readonly url: string;
  health: UpstreamHealth;
  /** What it saved of its turns while it grows into its share; with a whole one it takes its turn. */
  credit: number;
  /** The first version that names it, should several. */
  version: WatchedVersion;
}

interface WatchedVersion {
  readonly module: string;
  readonly version: string;
  readonly healthPath: string | null;
  readonly upstreams: Set<WatchedUpstream>;
}

type Counts = Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>;

/** What people are told of an upstream. Times are milliseconds since the epoch. */
export interface UpstreamState {
  readonly module: string;
  readonly version: string;
  readonly url: string;
  readonly state: "serving" | "starting" | "ejected";
  /** The share of its turns that it takes, from 0 to 1. */
  readonly share: number;
  readonly since: number;
  /** Why, and the earliest time that brings it back. */
  readonly reason?: EjectionReason;
  readonly until?: number;
}

const STATES = ["serving", "starting", "ejected"] as const;
/** One that is ejected is probed so much more often: it comes back soon. */
const EJECTED_PROBES = 5;
/** So many series are told of versions by name; what is scraped stays small. */
const MOST_SERIES = 1_000;
const OTHERS = { module: "other", version: "other" };

/**
 * Follows the health of all upstreams that the route table names: by the requests that they get, and by a probe of each
 * from time to time. The end of an ejection needs no timer: it is found when the upstream's turn comes.
 */
export class UpstreamWatch {
  readonly #settings: WatchSettings;
  readonly #log: Logger;
  readonly #watched = new Map<string, WatchedUpstream>();
  readonly #probes = new Map<WatchedUpstream, NodeJS.Timeout>();
  readonly #ejections: Counts = new Map();

  constructor(settings: WatchSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Watches these versions' upstreams and no others. One that was watched keeps its health. */
  follow(endpoints: Iterable<VersionEndpoints>): void {
    const wanted = new Set<string>();
    for (const { module, version, urls, healthPath } of endpoints) {
      const watched: WatchedVersion = { module, version, healthPath, upstreams: new Set() };
      for (const url of urls) {
        const upstream = this.#watched.get(url) ?? this.#watch(url, watched);
        watched.upstreams.add(upstream);
        if (wanted.has(url)) continue;
        wanted.add(url);
        upstream.version = watched;
      }
    }
    for (const [url, upstream] of this.#watched) if (!wanted.has(url)) this.#forget(url, upstream);
  }

  /** The watched upstream at a base URL that the route table names. */
  of(url: string): WatchedUpstream | undefined {
    return this.#watched.get(url);
  }

  /**
   * Whether an upstream whose turn it is takes it: "never" while it is ejected, "later" when it has not grown into its
   * share yet and somebody else should, if there is one.
   */
  turnOf(upstream: WatchedUpstream): "now" | "later" | "never" {
    const at = this.#settings.now();
    this.#set(upstream, healthAt(upstream.health, at, this.#settings));
    const share = shareAt(upstream.health, at, this.#settings);
    if (share === 1) return "now";
    if (share === 0) return "never";
    upstream.credit += share;
    // Ten tenths add up to a little less than one.
    if (upstream.credit < 1 - 1e-9) return "later";
    upstream.credit -= 1;
    return "now";
  }

  /** Something was seen of an upstream. */
  saw(upstream: WatchedUpstream, event: HealthEvent): void {
    const after = healthAfter(upstream.health, event, this.#settings, () => this.#maySicken(upstream.version));
    this.#set(upstream, after);
  }

  states(): UpstreamState[] {
    const at = this.#settings.now();
    return [...this.#watched.values()].map(({ url, health: before, version: { module, version } }) => {
      const health = healthAt(before, at, this.#settings);
      const share = shareAt(health, at, this.#settings);
      const state = share === 0 ? "ejected" : share === 1 ? "serving" : "starting";
      const { since, ejected } = health;
      return {
        module,
        version,
        url,
        state,
        share,
        since,
        ...(ejected && { reason: ejected.reason, until: ejected.until }),
      };
    });
  }

  /** Those that get no requests at the moment, for a report. */
  ejected(): EjectedUpstream[] {
    const ejected: EjectedUpstream[] = [];
    for (const { module, version, url, since, reason } of this.states()) {
      if (reason !== undefined) ejected.push({ module, version, url, reason, since: Math.round(since) });
      if (ejected.length === MOST_EJECTED_IN_REPORT) break;
    }
    return ejected;
  }

  metrics(): Metric[] {
    const counts: Counts = new Map();
    for (const { module, version, state } of this.states()) {
      for (const one of STATES) add(counts, { module, version, state: one }, state === one ? 1 : 0);
    }
    return [
      {
        name: "aibos_gateway_upstreams",
        type: "gauge",
        help: "Processes by version and health.",
        samples: [...counts.values()],
      },
      {
        name: "aibos_gateway_upstream_ejections_total",
        type: "counter",
        help: "How often processes were ejected, by version and why.",
        samples: [...this.#ejections.values()],
      },
    ];
  }

  stop(): void {
    for (const timer of this.#probes.values()) clearTimeout(timer);
    this.#probes.clear();
    this.#watched.clear();
  }

  #watch(url: string, version: WatchedVersion): WatchedUpstream {
    const watched = { url, version, health: newHealth(this.#settings.now()), credit: 0 };
    this.#watched.set(url, watched);
    this.#probeLater(watched);
    return watched;
  }

  #forget(url: string, watched: WatchedUpstream): void {
    this.#watched.delete(url);
    clearTimeout(this.#probes.get(watched));
    this.#probes.delete(watched);
  }

  /** Whether one more of a version's upstreams may be left out although it still answers. */
  #maySicken({ upstreams }: WatchedVersion): boolean {
    const at = this.#settings.now();
    const ejected = [...upstreams].filter(({ health }) => healthAt(health, at, this.#settings).ejected !== undefined);
    return ejected.length + 1 <= this.#settings.maxEjectedShare * upstreams.size;
  }

  #set(upstream: WatchedUpstream, health: UpstreamHealth): void {
    const before = upstream.health;
    if (before === health) return;
    upstream.health = health;
    const isSame = before.since === health.since && before.ejections === health.ejections;
    if (isSame && (before.ejected === undefined) === (health.ejected === undefined)) return;
    const { module, version } = upstream.version;
    const about = { module, version, upstream: upstream.url };
    upstream.credit = 0;
    if (health.ejected === undefined) {
      this.#log.info(about, "an upstream gets requests again");
      return;
    }
    const { reason, until } = health.ejected;
    add(this.#ejections, { module, version, reason }, 1);
    this.#log.warn({ ...about, reason, ms: until - health.since }, "an upstream is ejected: it gets no requests");
    // The next probe may be far.
    this.#probeLater(upstream);
  }

  #probeLater(upstream: WatchedUpstream): void {
    const { probeInterval, random } = this.#settings;
    if (probeInterval === 0 || this.#watched.get(upstream.url) !== upstream) return;
    clearTimeout(this.#probes.get(upstream));
    const interval = upstream.health.ejected === undefined ? probeInterval : probeInterval / EJECTED_PROBES;
    // Gateways that started together must not probe together.
    const timer = setTimeout(() => void this.#probe(upstream, timer), interval * (0.75 + random() / 2));
    this.#probes.set(upstream, timer);
  }

  async #probe(upstream: WatchedUpstream, timer: NodeJS.Timeout): Promise<void> {
    const { probeTimeout, now } = this.#settings;
    const passed = await probeUpstream(new URL(upstream.url), upstream.version.healthPath, probeTimeout);
    // It was forgotten meanwhile, or ejected, which began probing anew.
    if (this.#probes.get(upstream) !== timer) return;
    if (passed !== undefined) this.saw(upstream, { kind: "probe", passed, at: now() });
    if (this.#probes.get(upstream) === timer) this.#probeLater(upstream);
  }
}

/** Adds to a series; when there are many, to that of the other versions. */
function add(series: Counts, labels: Readonly<Record<string, string>>, value: number): void {
  const key = Object.values(labels).join(" ");
  const known = series.get(key);
  if (known !== undefined) known.value += value;
  else if (labels["module"] === OTHERS.module || series.size < MOST_SERIES) series.set(key, { labels, value });
  else add(series, { ...labels, ...OTHERS }, value);
}
