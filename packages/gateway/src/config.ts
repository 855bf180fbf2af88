import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { ConfigInvalidError } from "@aibos/contract";
import type { AccessLogSettings } from "./access-log.ts";
import type { GatewaySettings, Identification } from "./gateway-options.ts";
import { WORKER_VARIABLE } from "./gateway-workers.ts";
import { readNumberSettings } from "./number-settings.ts";
import type { TlsSettings } from "./tls-listener.ts";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];
const WAYS: readonly string[] = ["path", "host", "header"] satisfies Identification[];

/** A gateway's settings from its environment. */
export interface GatewayConfig {
  readonly options: Partial<GatewaySettings> &
    Pick<GatewaySettings, "id" | "controlUrl" | "token" | "folder" | "host" | "port">;
  readonly logLevel: string;
  /** Processes that share the public port. */
  readonly workers: number;
  /** Which of them this one is, from 1; undefined for the one that starts them, and for one that is alone. */
  readonly worker: number | undefined;
  /** Whether the end of standard input ends the gateway: it belongs to the process that started it. */
  readonly stopWithParent: boolean;
}

/**
 * `AIBOS_CONTROL_URL`, `AIBOS_TOKEN` or `AIBOS_TOKEN_FILE`, and optionally `AIBOS_GATEWAY_HOST`, `_PORT`, `_ADMIN_PORT`,
 * `_ID`, `_FOLDER`, `_IDENTIFY`, `_BASE_HOST`, `_STICKY_HEADER`, `_TRUST_FORWARDED`, `_WORKERS`, `_TLS_PORT`,
 * `_TLS_CERT`, `_TLS_KEY`, `_ACCESS_LOG`, `_ACCESS_LOG_SAMPLE`, `_ACCESS_LOG_ADDRESSES`, those of `NUMBER_SETTINGS`,
 * and `AIBOS_LOG_LEVEL`. All are described in docs/reference/gateway.md.
 *
 * @throws ConfigInvalidError that names every setting that is missing or unusable
 */
export function readGatewayConfig(environment: NodeJS.ProcessEnv): GatewayConfig {
  const problems: string[] = [];
  const read = (name: string): string | undefined => environment[name] || undefined;
  const check = (isGood: boolean, problem: string): void => {
    if (!isGood) problems.push(problem);
  };
  const portOf = (name: string): number | undefined => {
    const text = read(name);
    const isPort = text === undefined || (/^\d{1,5}$/.test(text) && Number(text) <= 65_535);
    check(isPort, `${name} must be a port from 0 to 65535, not "${text}"`);
    return text === undefined ? undefined : Number(text);
  };

  const controlUrl = read("AIBOS_CONTROL_URL") ?? "";
  check(/^https?:$/.test(URL.parse(controlUrl)?.protocol ?? ""), "AIBOS_CONTROL_URL must be the control plane's URL");
  const token = tokenOf(read("AIBOS_TOKEN"), read("AIBOS_TOKEN_FILE"), problems);
  const ownId =
    read("AIBOS_GATEWAY_ID") ??
    hostname()
      .replaceAll(/[^A-Za-z0-9._-]/g, "-")
      .slice(0, 64);
  check(/^[A-Za-z0-9._-]{1,64}$/.test(ownId), "AIBOS_GATEWAY_ID must be 1 to 64 letters, digits, dots, dashes");
  const baseHost = read("AIBOS_GATEWAY_BASE_HOST");
  const isHost = baseHost === undefined || /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(baseHost);
  check(isHost, "AIBOS_GATEWAY_BASE_HOST must be a host name without a port");
  const ways = read("AIBOS_GATEWAY_IDENTIFY")
    ?.split(",")
    .map((way) => way.trim());
  const areWays = ways === undefined || ways.every((way) => WAYS.includes(way));
  check(areWays, `AIBOS_GATEWAY_IDENTIFY must list some of ${WAYS.join(", ")}`);
  const needsHost = ways?.includes("host") === true && baseHost === undefined;
  check(!needsHost, 'AIBOS_GATEWAY_BASE_HOST is needed to identify by "host"');
  const stickyHeader = read("AIBOS_GATEWAY_STICKY_HEADER")?.toLowerCase();
  const isHeader = stickyHeader === undefined || /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(stickyHeader);
  check(isHeader, "AIBOS_GATEWAY_STICKY_HEADER must be the name of a header");
  const trust = read("AIBOS_GATEWAY_TRUST_FORWARDED") ?? "0";
  check(["0", "1"].includes(trust), "AIBOS_GATEWAY_TRUST_FORWARDED must be 1, or 0 as it is otherwise");
  const logLevel = read("AIBOS_LOG_LEVEL") ?? "info";
  check(LOG_LEVELS.includes(logLevel), `AIBOS_LOG_LEVEL must be one of ${LOG_LEVELS.join(", ")}`);
  const workers = read("AIBOS_GATEWAY_WORKERS") ?? "1";
  check(/^[1-9]\d?$/.test(workers), `AIBOS_GATEWAY_WORKERS must be a number from 1 to 99, not "${workers}"`);
  const worker = read(WORKER_VARIABLE) === undefined ? undefined : Number(read(WORKER_VARIABLE));
  const tls = tlsOf(portOf("AIBOS_GATEWAY_TLS_PORT"), read, problems);
  const accessLog = accessLogOf(read, problems);
  const numbers = readNumberSettings(read, (problem) => problems.push(problem));
  const ownAdminPort = portOf("AIBOS_GATEWAY_ADMIN_PORT");
  // The one that starts the workers has the port itself.
  const adminPort = ownAdminPort === undefined || ownAdminPort === 0 ? ownAdminPort : ownAdminPort + (worker ?? 0);
  const id = worker === undefined ? ownId : `${ownId.slice(0, 61)}.${worker}`;
  const folder = resolve(read("AIBOS_GATEWAY_FOLDER") ?? ".aibos/gateway");
  const port = portOf("AIBOS_GATEWAY_PORT") ?? 7480;

  if (problems.length > 0) throw new ConfigInvalidError(`The gateway can't start: ${problems.join("; ")}.`);
  return {
    options: {
      id,
      token,
      port,
      controlUrl: controlUrl.replace(/\/+$/, ""),
      host: read("AIBOS_GATEWAY_HOST") ?? "127.0.0.1",
      folder: worker === undefined ? folder : join(folder, `worker-${worker}`),
      trustForwarded: trust === "1",
      ...numbers,
      ...(tls !== undefined && { tls }),
      ...(accessLog !== undefined && { accessLog }),
      ...(adminPort !== undefined && { adminPort }),
      ...(baseHost !== undefined && { baseHost }),
      ...(ways !== undefined && { identify: ways as Identification[] }),
      ...(stickyHeader !== undefined && { stickyHeader }),
    },
    logLevel,
    workers: Number(workers),
    worker,
    stopWithParent: worker === undefined && read("AIBOS_STOP_WITH_PARENT") === "1",
  };
}

type Read = (name: string) => string | undefined;

function tlsOf(port: number | undefined, read: Read, problems: string[]): TlsSettings | undefined {
  const certFile = read("AIBOS_GATEWAY_TLS_CERT");
  const keyFile = read("AIBOS_GATEWAY_TLS_KEY");
  if (port !== undefined && certFile !== undefined && keyFile !== undefined) {
    return { port, certFile: resolve(certFile), keyFile: resolve(keyFile) };
  }
  // A port that is none was complained of already.
  if (!Number.isNaN(port) && (port !== undefined || certFile !== undefined || keyFile !== undefined)) {
    problems.push("AIBOS_GATEWAY_TLS_PORT, _TLS_CERT and _TLS_KEY go together: all three, or none");
  }
  return undefined;
}

function accessLogOf(read: Read, problems: string[]): AccessLogSettings | undefined {
  const file = read("AIBOS_GATEWAY_ACCESS_LOG");
  const sample = read("AIBOS_GATEWAY_ACCESS_LOG_SAMPLE") ?? "1";
  if (!/^(0|1|[01]?\.\d+)$/.test(sample) || Number(sample) > 1) {
    problems.push(`AIBOS_GATEWAY_ACCESS_LOG_SAMPLE must be a share from 0 to 1, not "${sample}"`);
  }
  const addresses = read("AIBOS_GATEWAY_ACCESS_LOG_ADDRESSES") ?? "networks";
  if (!["networks", "whole"].includes(addresses)) {
    problems.push(`AIBOS_GATEWAY_ACCESS_LOG_ADDRESSES must be networks or whole, not "${addresses}"`);
  }
  if (file === undefined) return undefined;
  return {
    file: file === "-" ? file : resolve(file),
    sample: Number(sample),
    wholeAddresses: addresses === "whole",
  };
}

function tokenOf(token: string | undefined, file: string | undefined, problems: string[]): string {
  if (token !== undefined) return token;
  if (file === undefined) {
    problems.push("AIBOS_TOKEN or AIBOS_TOKEN_FILE must give the control plane's token");
    return "";
  }
  try {
    const text = readFileSync(file, "utf8").trim();
    if (text === "") problems.push(`AIBOS_TOKEN_FILE names an empty file, ${file}`);
    return text;
  } catch (error) {
    problems.push(`AIBOS_TOKEN_FILE can't be read: ${error instanceof Error ? error.message : String(error)}`);
    return "";
  }
}
