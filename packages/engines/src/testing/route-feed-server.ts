import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import {
  GATEWAY_REPORT_PATH,
  type GatewayReport,
  gatewayReportSchema,
  type RouteChange,
  type TenantRoute,
} from "@aibos/contract";
import { RouteTable } from "@aibos/gateway";

/** A control plane as far as engines know one: a route feed, and a place for reports. */
export interface RouteFeedServer {
  readonly url: string;
  readonly table: RouteTable;
  /** Makes the next revision; resolves when a report tells that it was applied. */
  change(...changes: RouteChange[]): Promise<GatewayReport>;
  /** The first report, of those that came and those that will, which is as wanted. */
  report(isWanted: (report: GatewayReport) => boolean): Promise<GatewayReport>;
}

/** A table with these changes in it, at revision 2. */
export function tableOf(...changes: RouteChange[]): RouteTable {
  const table = new RouteTable();
  const whole = { part: 0, last: true, testerKey: "tester-key", routes: [], endpoints: [] };
  table.replace({ type: "snapshot", feed: "feed-1", revision: 1, ...whole });
  table.apply({ type: "delta", revision: 2, changes });
  return table;
}

export async function startRouteFeedServer(...first: RouteChange[]): Promise<RouteFeedServer> {
  const table = tableOf(...first);
  const feeds = new Set<ServerResponse>();
  const reports: GatewayReport[] = [];
  const watchers = new Set<() => void>();
  const server = createServer((request, response) => {
    if (request.url === GATEWAY_REPORT_PATH) {
      void new Response(request).json().then((body) => {
        reports.push(gatewayReportSchema.parse(body));
        for (const look of watchers) look();
        response.writeHead(204).end();
      });
      return;
    }
    feeds.add(response);
    response.once("close", () => feeds.delete(response));
    for (const part of table.snapshot()) response.write(`${JSON.stringify(part)}\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  function report(isWanted: (report: GatewayReport) => boolean): Promise<GatewayReport> {
    const { promise, resolve } = Promise.withResolvers<GatewayReport>();
    const look = (): void => {
      const found = reports.find(isWanted);
      if (found === undefined) return;
      watchers.delete(look);
      resolve(found);
    };
    watchers.add(look);
    look();
    return promise;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    table,
    report,
    change(...changes) {
      const revision = table.revision + 1;
      table.apply({ type: "delta", revision, changes });
      for (const feed of feeds) feed.write(`${JSON.stringify({ type: "delta", revision, changes })}\n`);
      return report(({ appliedRevision }) => appliedRevision >= revision);
    },
  };
}

/** A route of acme's notes, all to 1.0.0 unless told. */
export function routeOf(
  part: Partial<TenantRoute> & { weights?: Record<string, number> } = {},
): RouteChange & { route: TenantRoute } {
  const { weights = { "1.0.0": 10_000 }, ...rest } = part;
  const route: TenantRoute = {
    tenant: "acme",
    module: "notes",
    state: "active",
    role: "r_acme__notes",
    hold: null,
    policy: null,
    versions: Object.entries(weights).map(([version, weight]) => ({
      version,
      weight,
      schema: "t_acme__notes",
      views: `v_acme__notes_${version[0]}`,
      dataVersion: "1.0.0",
    })),
    ...rest,
  };
  return { kind: "route", tenant: route.tenant, module: route.module, route };
}

/** The key that signs the contexts of a version, in tests. */
export const keyOf = (version: string): string => `key of ${version}`;

export function endpointsOf(version: string, ...urls: string[]): RouteChange {
  const address = { module: "notes", version };
  return {
    kind: "endpoints",
    ...address,
    endpoints: { ...address, urls, healthPath: "/up", contextKey: keyOf(version) },
  };
}
