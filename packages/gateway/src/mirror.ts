import type { IncomingMessage } from "node:http";
import type { MirrorCounts } from "@aibos/contract";
import { SLOTS } from "@aibos/domain";
import type { Exchange } from "./exchange.ts";
import { type MirrorAnswer, sendMirrorCopy } from "./mirror-copy.ts";
import { hasBody } from "./request-body.ts";
import { type RouteEntry, type RouteVersion, versionOf } from "./route-entry.ts";
import type { RouteKey } from "./route-key.ts";
import type { Upstream } from "./upstream-pools.ts";

/** Copies under way at once: a slow version that is tried out must not take the gateway's memory. */
const MOST_COPIES = 64;
/** Methods that only read (RFC 9110, 9.2.1) and have no content. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD"]);
/** Tells the module that nobody sees the answer. */
const MIRROR_HEADER = ["x-aibos-mirror", "1"];

/** How a mirror reaches the version that it copies to. */
export interface MirrorWays {
  /** The version's next upstream; undefined while none is healthy. */
  readonly upstreamOf: (module: string, version: string) => Upstream | undefined;
  /** A request's headers for a version, signed for it; undefined when nothing is known of its processes. */
  readonly headersFor: (version: RouteVersion) => string[] | undefined;
  /** A request begins on the route; returns what must be called at its end. */
  readonly started: (key: RouteKey) => () => void;
}

/**
 * Copies a share of the safe requests to another version, and compares the answers that nobody sees with those that
 * users got: status, size, time to the end.
 */
export class Mirror {
  readonly #counts = new Map<RouteKey, Counts>();
  readonly #random: () => number;
  #underWay = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Copies a request if it is one to copy. What is returned must be called when its own exchange is over. */
  copy(
    request: IncomingMessage,
    about: { entry: RouteEntry; chosen: RouteVersion; path: string },
    ways: MirrorWays,
  ): ((exchange: Exchange) => void) | undefined {
    const { entry, chosen, path } = about;
    const mirror = entry.policy?.mirror ?? undefined;
    if (mirror === undefined || mirror.version === chosen.version) return undefined;
    const { method = "" } = request;
    const version = versionOf(entry, mirror.version);
    if (version === undefined || !SAFE.has(method) || hasBody(request)) return undefined;
    if (this.#random() * SLOTS >= mirror.weight) return undefined;
    const counts = this.#countsOf(entry, mirror.since);
    if (this.#underWay >= MOST_COPIES) {
      counts.skipped += 1;
      return undefined;
    }
    const upstream = ways.upstreamOf(entry.route.module, version.version);
    const headers = ways.headersFor(version);
    if (upstream === undefined || headers === undefined) {
      counts.failed += 1;
      return undefined;
    }
    this.#underWay += 1;
    const ended = ways.started(entry.key);
    const answer = sendMirrorCopy(upstream.pool, {
      method,
      path: upstream.basePath + path,
      headers: [...headers, ...MIRROR_HEADER],
    }).finally(() => {
      this.#underWay -= 1;
      ended();
    });
    return (exchange) => void answer.then((mirrored) => compare(counts, exchange, mirrored));
  }

  /** All counts, for a report. Those of a mirror that is no more are forgotten. */
  counts(isSet: (key: RouteKey, since: number) => boolean): MirrorCounts[] {
    for (const [key, { since }] of this.#counts) if (!isSet(key, since)) this.#counts.delete(key);
    return [...this.#counts].map(([key, counts]) => {
      const [tenant = "", module = ""] = key.split("/");
      return { tenant, module, ...counts };
    });
  }

  #countsOf({ key }: RouteEntry, since: number): Counts {
    const known = this.#counts.get(key);
    if (known?.since === since) return known;
    const counts = noCounts(since);
    this.#counts.set(key, counts);
    return counts;
  }
}

type Counts = { -readonly [K in keyof Omit<MirrorCounts, "tenant" | "module">]: number };

function noCounts(since: number): Counts {
  return { since, compared: 0, statusDiffers: 0, sizeDiffers: 0, failed: 0, skipped: 0, ms: 0, mirrorMs: 0 };
}

/** An exchange that failed by itself, or whose client left, tells nothing about the mirror. */
function compare(counts: Counts, exchange: Exchange, mirrored: MirrorAnswer | undefined): void {
  if (exchange.failure !== undefined || exchange.status === undefined) return;
  if (mirrored === undefined) {
    counts.failed += 1;
    return;
  }
  const { total, held = 0 } = exchange.times;
  counts.compared += 1;
  if (exchange.status !== mirrored.status) counts.statusDiffers += 1;
  if (exchange.bytes.sent !== mirrored.size) counts.sizeDiffers += 1;
  counts.ms += total - held;
  counts.mirrorMs += mirrored.ms;
}
