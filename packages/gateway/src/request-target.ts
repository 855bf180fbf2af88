import type { IncomingMessage } from "node:http";
import type { GatewaySettings, Identification } from "./gateway-options.ts";

/** What a request is for, and the path under which the module knows it. */
export interface RequestTarget {
  readonly tenant: string;
  readonly module: string;
  /** Path and query for the module; begins with a slash. */
  readonly path: string;
  /** What was taken off the front of the path; empty when nothing was. */
  readonly prefix: string;
}

type TargetSettings = Pick<GatewaySettings, "identify" | "baseHost" | "tenantHeader" | "moduleHeader">;

/** The path and authority that a request names. An absolute request target overrides Host (RFC 9112, 3.2.2). */
export function addressOf(request: IncomingMessage): { path: string; host: string } | undefined {
  const target = request.url ?? "";
  if (target.startsWith("/")) {
    const host = request.headers.host ?? request.headers[":authority"];
    return { path: target, host: typeof host === "string" ? host : "" };
  }
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(target);
  if (absolute === null) return undefined;
  const [, host = "", rest = ""] = absolute;
  return { path: rest.startsWith("/") ? rest : `/${rest}`, host };
}

/**
 * Finds tenant and module in the ways that are switched on, first match first. Names are compared as they are written:
 * no decoding, no case folding but in host names, so that there is one spelling of each address.
 */
export function identifyTarget(request: IncomingMessage, settings: TargetSettings): RequestTarget | undefined {
  const address = addressOf(request);
  if (address === undefined) return undefined;
  for (const way of settings.identify) {
    const target = BY[way](address, request, settings);
    if (target !== undefined) return target;
  }
  return undefined;
}

type Identify = (
  address: { path: string; host: string },
  request: IncomingMessage,
  settings: TargetSettings,
) => RequestTarget | undefined;

const BY: Record<Identification, Identify> = {
  path: ({ path }) => {
    const match = /^\/t\/([^/?]+)\/([^/?]+)/.exec(path);
    if (match === null) return undefined;
    const [prefix, tenant = "", module = ""] = match;
    return { tenant, module, prefix, path: withSlash(path.slice(prefix.length)) };
  },
  host: ({ path, host }, _request, { baseHost }) => {
    if (baseHost === undefined) return undefined;
    const name = host.replace(/:\d*$/, "").toLowerCase();
    const suffix = `.${baseHost.toLowerCase()}`;
    const tenant = name.endsWith(suffix) ? name.slice(0, -suffix.length) : "";
    const match = /^\/([^/?]+)/.exec(path);
    if (tenant === "" || tenant.includes(".") || match === null) return undefined;
    const [prefix, module = ""] = match;
    return { tenant, module, prefix, path: withSlash(path.slice(prefix.length)) };
  },
  header: ({ path }, request, { tenantHeader, moduleHeader }) => {
    const tenant = request.headers[tenantHeader];
    const module = request.headers[moduleHeader];
    if (typeof tenant !== "string" || typeof module !== "string") return undefined;
    return { tenant, module, prefix: "", path };
  },
};

function withSlash(rest: string): string {
  return rest.startsWith("/") ? rest : `/${rest}`;
}
