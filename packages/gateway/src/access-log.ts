import pino from "pino";
import type { Exchange, ExchangeObserver } from "./exchange.ts";

/** Where the access log goes, and how much of it. */
export interface AccessLogSettings {
  /** Path of the file, which is appended to; "-" is standard output. */
  readonly file: string;
  /** The share, from 0 to 1, of the exchanges without a failure that are written. Failures are written always. */
  readonly sample: number;
  /** Whether clients' whole addresses are written, or only their networks (/24, /48). */
  readonly wholeAddresses: boolean;
}

export interface AccessLog extends ExchangeObserver {
  /** Opens the file anew, for whoever moved the old one away. */
  reopen(): void;
  close(): Promise<void>;
}

const BUFFER_BYTES = 8 * 1024;
const FLUSH_MS = 1_000;
const MAX_PATH = 512;

/**
 * Writes one line of JSON for each exchange that ended. No header, no body, no value of a query and no user is ever
 * written: what remains is fit to be kept.
 *
 * @throws the file system's error when the file can't be opened
 */
export function openAccessLog(settings: AccessLogSettings, random: () => number): AccessLog {
  const isFile = settings.file !== "-";
  const out = pino.destination({
    ...(isFile ? { dest: settings.file, mkdir: true, mode: 0o640 } : { fd: 1 }),
    // Short writes to a pipe are whole; several workers share it.
    minLength: isFile ? BUFFER_BYTES : 0,
    sync: false,
  });
  const timer = setInterval(() => out.flush(), FLUSH_MS).unref();
  return {
    ended(exchange) {
      const isFailure = exchange.failure !== undefined || (exchange.status ?? 0) >= 500;
      if (!isFailure && settings.sample < 1 && random() >= settings.sample) return;
      out.write(`${JSON.stringify(accessLine(exchange, settings.wholeAddresses))}\n`);
    },
    reopen: () => out.reopen(),
    close() {
      clearInterval(timer);
      return new Promise((resolve) => {
        out.once("close", resolve);
        out.end();
      });
    },
  };
}

/** What the log says of an exchange. Times are milliseconds, to a tenth. */
export function accessLine(exchange: Exchange, wholeAddresses: boolean): Record<string, unknown> {
  const { times, bytes } = exchange;
  return {
    time: new Date(exchange.startedAt).toISOString(),
    kind: exchange.kind,
    requestId: exchange.requestId,
    traceId: exchange.traceId,
    client: wholeAddresses ? exchange.client : networkOf(exchange.client),
    protocol: exchange.protocol,
    method: exchange.method,
    path: redactedTarget(exchange.target),
    tenant: exchange.tenant,
    module: exchange.module,
    version: exchange.version,
    status: exchange.status,
    failure: exchange.failure,
    problem: exchange.problem,
    totalMs: tenths(times.total),
    heldMs: tenths(times.held),
    answerMs: tenths(times.answer),
    received: bytes.received,
    sent: bytes.sent,
    upstream: exchange.upstream,
  };
}

/** The path as it is, with the names of the query's parameters but none of their values. */
export function redactedTarget(target: string): string {
  const [path = "", query] = target.split("?", 2);
  // An absolute target may hold a user's name and password.
  const shown = path.replace(/^(\w+:\/\/)[^/@]*@/, "$1…@").slice(0, MAX_PATH);
  if (query === undefined) return shown;
  const names = query.split("&").map((pair) => (pair.includes("=") ? `${pair.slice(0, pair.indexOf("="))}=…` : "…"));
  return `${shown}?${names.join("&")}`.slice(0, MAX_PATH * 2);
}

/** 192.0.2.77 → 192.0.2.0/24; 2001:db8:1:2::3 → 2001:db8:1::/48. */
function networkOf(address: string): string {
  if (/^\d+(\.\d+){3}$/.test(address)) return address.replace(/\.\d+$/, ".0/24");
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::", 2);
  const groups = head.split(":").filter((group) => group !== "");
  const known = tail === undefined || groups.length >= 3 ? groups.slice(0, 3) : [...groups, "0", "0", "0"].slice(0, 3);
  return `${known.join(":")}::/48`;
}

function tenths(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 10) / 10;
}
