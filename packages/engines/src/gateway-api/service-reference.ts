import type { RouteTable } from "@aibos/gateway";

/** A Service, as a `backendRef` names it. */
export interface ServiceReference {
  readonly name: string;
  readonly namespace?: string;
  readonly port: number;
}

/**
 * The Service of a version, read from its address in the cluster, such as `http://notes-2.modules.svc:8080`; undefined
 * for an address that is none of a Service.
 */
export function serviceOf(table: RouteTable, module: string, version: string): ServiceReference | undefined {
  const urls = table.endpoints(module, version)?.urls ?? [];
  const [url] = urls;
  if (url === undefined || urls.length > 1) return undefined;
  const { protocol, hostname, port, pathname } = new URL(url);
  const match = /^([a-z]([a-z0-9-]*[a-z0-9])?)(?:\.([a-z0-9]([a-z0-9-]*[a-z0-9])?)(\.svc(\.[a-z0-9.-]+)?)?)?$/.exec(
    hostname,
  );
  if (protocol !== "http:" || pathname !== "/" || match === null) return undefined;
  const [, name = "", , namespace] = match;
  return { name, ...(namespace !== undefined && { namespace }), port: port === "" ? 80 : Number(port) };
}
