import type { GatewaySettings } from "./gateway-options.ts";

/** A setting that is a whole number, or a share from 0 to 1, and its environment variable. */
interface NumberSetting {
  readonly variable: `AIBOS_GATEWAY_${string}`;
  readonly setting: keyof GatewaySettings;
  readonly unit: "ms" | "bytes" | "count" | "share";
  readonly min: number;
  /** For the reference page. */
  readonly about: string;
}

/** Limits and times, one variable each; their defaults are in `settingsOf`. */
export const NUMBER_SETTINGS = [
  number("MAX_HEADER_BYTES", "maxHeaderBytes", "bytes", 1_024, "all header fields of a request, or of an answer"),
  number("MAX_HEADER_FIELDS", "maxHeaderFields", "count", 1, "header fields of a request"),
  number("MAX_BODY_BYTES", "maxBodyBytes", "bytes", 0, "a request's body; more is refused with 413"),
  number("MAX_HELD", "maxHeld", "count", 0, "requests that wait for one route's hold to end"),
  number("CLIENT_HEADERS_TIMEOUT", "clientHeadersTimeout", "ms", 1, "for a client to send a request's header fields"),
  number("CLIENT_BODY_TIMEOUT", "clientBodyTimeout", "ms", 1, "between two parts of a request's body"),
  number("CLIENT_REQUEST_TIMEOUT", "clientRequestTimeout", "ms", 1, "for a client to send a whole request"),
  number("CLIENT_READ_TIMEOUT", "clientReadTimeout", "ms", 1, "for a client to take any of an answer that waits"),
  number("KEEP_ALIVE_TIMEOUT", "keepAliveTimeout", "ms", 1, "a client's connection between two requests"),
  number("CONNECT_TIMEOUT", "upstreamConnectTimeout", "ms", 1, "for a connection to a module's process"),
  number("ANSWER_TIMEOUT", "upstreamHeadersTimeout", "ms", 1, "from a request's end to its answer's header fields"),
  number("ANSWER_BODY_TIMEOUT", "upstreamBodyTimeout", "ms", 1, "between two parts of an answer"),
  number("CONNECTIONS", "connectionsPerUpstream", "count", 1, "connections to one process; further requests wait"),
  number("MAX_WAITING", "maxWaitingPerUpstream", "count", 0, "requests that wait for one of them to become free"),
  number("WAIT_TIMEOUT", "upstreamWaitTimeout", "ms", 1, "for a connection to become free; then it is 503"),
  number(
    "CONNECT_FAILURES",
    "upstreamConnectFailures",
    "count",
    1,
    "refused connections in a row that eject a process",
  ),
  number("UPSTREAM_FAILURES", "upstreamFailures", "count", 1, "failures in a row that eject a process"),
  number("ERROR_SHARE", "upstreamErrorShare", "share", 0, "of requests that fail within the window; ejects a process"),
  number("ERROR_MINIMUM", "upstreamErrorMinimum", "count", 1, "requests within the window before the share counts"),
  number("ERROR_WINDOW", "upstreamErrorWindow", "ms", 1, "the window"),
  number("EJECTION_TIME", "ejectionTime", "ms", 1, "a first ejection; each that follows soon is twice as long"),
  number("EJECTION_MAX_TIME", "ejectionMaxTime", "ms", 1, "the longest ejection"),
  number(
    "MAX_EJECTED",
    "maxEjectedShare",
    "share",
    0,
    "of a version's processes that may be ejected while they answer",
  ),
  number("PROBE_INTERVAL", "probeInterval", "ms", 0, "between two probes of a process; 0 for none"),
  number("PROBE_TIMEOUT", "probeTimeout", "ms", 1, "for a probe to be answered"),
  number("PROBE_RISE", "probeRise", "count", 1, "probes in a row that bring a process back"),
  number("PROBE_FALL", "probeFall", "count", 1, "probes in a row that eject a process when they fail"),
  number("SLOW_START", "slowStart", "ms", 0, "for a process that is new or back to get its whole share; 0 at once"),
  number("TUNNEL_TIMEOUT", "tunnelIdleTimeout", "ms", 0, "an upgraded connection on which nothing is said; 0 for ever"),
  number("DRAIN_TIMEOUT", "drainTimeout", "ms", 0, "for connections and event streams whose version left the route"),
  number("STOP_TIMEOUT", "stopTimeout", "ms", 0, "for requests under way when the gateway stops"),
  number("IDLE_DRAIN_TIMEOUT", "idleDrainTimeout", "ms", 0, "for idle connections when the gateway stops"),
  number("TRACE_SAMPLE", "traceSample", "share", 0, "of traces that begin here, the share that asks to be recorded"),
] as const;

function number<S extends keyof GatewaySettings>(
  name: string,
  setting: S,
  unit: NumberSetting["unit"],
  min: number,
  about: string,
): NumberSetting & { readonly setting: S } {
  return { variable: `AIBOS_GATEWAY_${name}`, setting, unit, min, about };
}

/** Reads those that are set. `problem` hears of each that is no number, or too small. */
export function readNumberSettings(
  read: (name: string) => string | undefined,
  problem: (text: string) => void,
): Partial<Record<(typeof NUMBER_SETTINGS)[number]["setting"], number>> {
  const settings: Partial<Record<(typeof NUMBER_SETTINGS)[number]["setting"], number>> = {};
  for (const { variable, setting, unit, min } of NUMBER_SETTINGS) {
    const text = read(variable);
    if (text === undefined) continue;
    const value = Number(text);
    const isShare = unit === "share";
    const isGood = isShare ? /^(0|1|[01]?\.\d+)$/.test(text) && value <= 1 : /^\d{1,10}$/.test(text) && value >= min;
    // Node's timers can't wait longer.
    if (!isGood || (unit === "ms" && value > 2 ** 31 - 1)) {
      problem(`${variable} must be ${isShare ? "a share from 0 to 1" : `a whole number from ${min}`}, not "${text}"`);
    } else settings[setting] = value;
  }
  return settings;
}
