import type { Logger } from "pino";
import type { AccessLogSettings } from "./access-log.ts";
import type { ExchangeObserver } from "./exchange.ts";
import type { TlsSettings } from "./tls-listener.ts";

/** A way to tell which tenant and module a request is for. They are tried in the order given. */
export type Identification = "path" | "host" | "header";

/** What a gateway can't run without. */
export interface RequiredGatewayOptions {
  /** Names this gateway in its reports; 1 to 64 of `A-Za-z0-9._-`. */
  readonly id: string;
  /** Base URL of the control plane. */
  readonly controlUrl: string;
  /** Bearer token for the control plane. */
  readonly token: string;
  /** Folder where the last routes are kept; created when it is missing. */
  readonly folder: string;
  readonly log: Logger;
}

/** All settings of a gateway; those with a default are optional in {@link GatewayOptions}. Times are milliseconds. */
export interface GatewaySettings extends RequiredGatewayOptions {
  /** Address of the public listener. */
  readonly host: string;
  /** Port of the public listener; 0 takes a free one. */
  readonly port: number;
  /** A second public listener, for TLS: HTTP/2 and HTTP/1.1. */
  readonly tls: TlsSettings | undefined;
  /** Port of the admin listener, always on 127.0.0.1; 0 takes a free one. */
  readonly adminPort: number;
  readonly identify: readonly Identification[];
  /** With "host": `acme.<baseHost>` is tenant acme. */
  readonly baseHost: string | undefined;
  readonly tenantHeader: string;
  readonly moduleHeader: string;
  /** The request header that names the user; users without one are known by the cookie. */
  readonly stickyHeader: string;
  readonly stickyCookie: string;
  /** Whether `x-forwarded-*` and `forwarded` of a request come from a proxy of the operator's own. */
  readonly trustForwarded: boolean;
  /** Requests that may wait for one route's hold to end. */
  readonly maxHeld: number;
  readonly maxHeaderBytes: number;
  /** Header fields that a request may have. */
  readonly maxHeaderFields: number;
  /** Bytes that a request's body may have; undefined for any. */
  readonly maxBodyBytes: number | undefined;
  /** For a client to send its request's headers. */
  readonly clientHeadersTimeout: number;
  /** Between two parts of a request's body, while the module reads. */
  readonly clientBodyTimeout: number;
  /** For a client to send its whole request. */
  readonly clientRequestTimeout: number;
  /** For a client to take anything of an answer that waits for it. */
  readonly clientReadTimeout: number;
  /** For an idle connection of a client. */
  readonly keepAliveTimeout: number;
  readonly upstreamConnectTimeout: number;
  /** From the end of the request to the first byte of the answer. */
  readonly upstreamHeadersTimeout: number;
  /** Between two parts of an answer. */
  readonly upstreamBodyTimeout: number;
  readonly connectionsPerUpstream: number;
  /** Requests that may wait for one of them to become free, and for how long. */
  readonly maxWaitingPerUpstream: number;
  readonly upstreamWaitTimeout: number;
  /** Connections in a row that could not be made, until an upstream is ejected. */
  readonly upstreamConnectFailures: number;
  /** Failures in a row (no answer in time, broken off, 502, 503, 504) until it is. */
  readonly upstreamFailures: number;
  /** The share of failures among at least so many requests within this time that has it ejected. */
  readonly upstreamErrorShare: number;
  readonly upstreamErrorMinimum: number;
  readonly upstreamErrorWindow: number;
  /** For how long at first, and at most. */
  readonly ejectionTime: number;
  readonly ejectionMaxTime: number;
  /** The share of a version's upstreams that may be ejected while they still answer. */
  readonly maxEjectedShare: number;
  /** Between two probes of an upstream; 0 for none. */
  readonly probeInterval: number;
  readonly probeTimeout: number;
  /** Probes in a row that bring an upstream back, or have it ejected. */
  readonly probeRise: number;
  readonly probeFall: number;
  /** For a new upstream, or one that comes back, to get its whole share of requests. */
  readonly slowStart: number;
  /** For an upgraded connection on which neither side says anything. 0 waits for ever. */
  readonly tunnelIdleTimeout: number;
  /** For upgraded connections and event streams whose version left their route, before they are cut off. */
  readonly drainTimeout: number;
  /** At a stop, for idle connections: time for a client's request that is on its way. */
  readonly idleDrainTimeout: number;
  /** The share, from 0 to 1, of the traces that begin here which ask to be recorded. */
  readonly traceSample: number;
  /** A feed that says nothing for so long is dead. */
  readonly feedSilenceTimeout: number;
  readonly reportInterval: number;
  /** Requests under way may take so long at a stop. */
  readonly stopTimeout: number;
  /** How often what was measured is put on disk, to be sent; it must divide ten seconds. */
  readonly flushInterval: number;
  /** Measurements that wait to be sent may have so many bytes on disk; beyond it the oldest go. */
  readonly spoolBytes: number;
  /** Where every exchange is written, if anywhere. */
  readonly accessLog: AccessLogSettings | undefined;
  /** They hear of every exchange. */
  readonly observers: readonly ExchangeObserver[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A number in [0, 1) that spreads reconnects. */
  readonly random: () => number;
}

export type GatewayOptions = RequiredGatewayOptions & Partial<GatewaySettings>;

/** Fills in the defaults. Identification is by path, and by host where a base host is given. */
export function settingsOf(options: GatewayOptions): GatewaySettings {
  return {
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    adminPort: 0,
    identify: options.baseHost === undefined ? ["path"] : ["path", "host"],
    baseHost: undefined,
    tenantHeader: "x-tenant-id",
    moduleHeader: "x-module-id",
    stickyHeader: "x-user-id",
    stickyCookie: "aibos_user",
    trustForwarded: false,
    maxHeld: 1_000,
    maxHeaderBytes: 32 * 1024,
    maxHeaderFields: 200,
    maxBodyBytes: undefined,
    clientHeadersTimeout: 15_000,
    clientBodyTimeout: 60_000,
    clientRequestTimeout: 3_600_000,
    clientReadTimeout: 60_000,
    keepAliveTimeout: 65_000,
    upstreamConnectTimeout: 5_000,
    upstreamHeadersTimeout: 60_000,
    upstreamBodyTimeout: 300_000,
    connectionsPerUpstream: 1_024,
    maxWaitingPerUpstream: 1_024,
    upstreamWaitTimeout: 10_000,
    upstreamConnectFailures: 3,
    upstreamFailures: 5,
    upstreamErrorShare: 0.5,
    upstreamErrorMinimum: 20,
    upstreamErrorWindow: 10_000,
    ejectionTime: 2_000,
    ejectionMaxTime: 60_000,
    maxEjectedShare: 0.5,
    probeInterval: 5_000,
    probeTimeout: 2_000,
    probeRise: 2,
    probeFall: 3,
    slowStart: 10_000,
    feedSilenceTimeout: 15_000,
    tunnelIdleTimeout: 3_600_000,
    drainTimeout: 30_000,
    idleDrainTimeout: 1_000,
    traceSample: 0.01,
    reportInterval: 1_000,
    stopTimeout: 10_000,
    flushInterval: 2_000,
    spoolBytes: 256 * 1024 * 1024,
    accessLog: undefined,
    observers: [],
    now: Date.now,
    random: Math.random,
    ...options,
  };
}
