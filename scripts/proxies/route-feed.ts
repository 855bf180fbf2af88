import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import {
  type FeedMessage,
  GATEWAY_FEED_PATH,
  type RouteChange,
  type TenantRoute,
  type VersionEndpoints,
} from "@aibos/contract";
import { HOST } from "./proxy.ts";

const HEARTBEAT_MS = 2_000;
const VERSIONS = ["1.0.0", "2.0.0"];

/** A route of a tenant to the two versions of the module, with so many of 10,000 slots for the newer one. */
export function routeOf(tenant: string, newer = 5_000): TenantRoute {
  return {
    tenant,
    module: "notes",
    state: "active",
    versions: VERSIONS.map((version, index) => ({
      version,
      weight: index === 1 ? newer : 10_000 - newer,
      schema: `t_${tenant}_${version}`,
      views: `t_${tenant}_${version}`,
      dataVersion: version,
    })),
    role: `r_${tenant}`,
    hold: null,
    policy: null,
  };
}

/** A control plane that knows the tenant acme with two versions, both at the upstream, and what it is told later. */
export async function startFeed(upstreamPort: number) {
  let revision = 1;
  const routes = new Map([["acme", routeOf("acme")]]);
  const endpoints: VersionEndpoints[] = VERSIONS.map((version) => ({
    module: "notes",
    version,
    urls: [`http://${HOST}:${upstreamPort}`],
    healthPath: null,
    contextKey: "key-of-the-version",
  }));
  const followers = new Set<ServerResponse>();
  const tell = (message: FeedMessage, to: Iterable<ServerResponse> = followers): void => {
    for (const follower of to) follower.write(`${JSON.stringify(message)}\n`);
  };
  const { promise: followed, resolve } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    if (request.url?.startsWith(GATEWAY_FEED_PATH) !== true) {
      request.resume();
      response.writeHead(204).end();
      if (request.method === "POST") resolve();
      return;
    }
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    followers.add(response);
    response.once("close", () => followers.delete(response));
    const head = {
      type: "snapshot",
      feed: "proxies",
      revision,
      part: 0,
      last: true,
      testerKey: "key-of-testers",
    } as const;
    tell({ ...head, routes: [...routes.values()], endpoints }, [response]);
  }).listen(0, HOST);
  const heartbeat = setInterval(() => tell({ type: "heartbeat", revision }), HEARTBEAT_MS);
  await once(server, "listening");
  const address = server.address();
  return {
    followed,
    url: `http://${HOST}:${typeof address === "object" ? address?.port : ""}`,
    /** Changes a tenant's route, or adds it; null takes it away. */
    change(tenant: string, route: TenantRoute | null) {
      if (route === null) routes.delete(tenant);
      else routes.set(tenant, route);
      revision += 1;
      const change: RouteChange = { kind: "route", tenant, module: "notes", route };
      tell({ type: "delta", revision, changes: [change] });
    },
    async stop() {
      clearInterval(heartbeat);
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
