import {
  type FleetUpgrade,
  type GatewayReport,
  type MeasurementBatch,
  type Metric,
  type LogLine,
  type Migration,
  type Published,
  type RouteHandlers,
  PROMETHEUS_TYPE,
  prometheusText,
  RouteNotFoundError,
} from "@aibos/contract";
import { OpenAPIHono } from "@hono/zod-openapi";
import { routePath } from "hono/route";
import type { Logger } from "pino";
import manifest from "../../package.json" with { type: "json" };
import { addApiRoutes } from "./api-routes.ts";
import { createAuthorization } from "./authorization.ts";
import { addDocsPage } from "./docs-page.ts";
import { addGatewayRoutes, type FeedSource } from "./gateway-routes.ts";
import type { HttpEnvironment } from "./http-context.ts";
import { addPublishRoute } from "./module-archive-route.ts";
import { addMonitorRoute, type MonitorSource } from "./monitor-route.ts";
import { createOpenStreams } from "./open-streams.ts";
import { BEARER } from "./openapi-parts.ts";
import { problemOf, PROBLEM_TYPE } from "./problem.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import { inRequestSpan } from "./request-span.ts";
import { addWatchFleetRoute } from "./watch-fleet-route.ts";
import { addWatchLogRoute } from "./watch-log-route.ts";
import { addWatchRoute } from "./watch-route.ts";

export interface HttpAppOptions {
  readonly handlers: RouteHandlers;
  readonly publish: (archive: Buffer) => Promise<Published>;
  readonly watchMigration: (migrationId: string, signal?: AbortSignal) => AsyncIterable<Migration>;
  readonly watchMigrationLog: (migrationId: string, after: number, signal?: AbortSignal) => AsyncIterable<LogLine>;
  readonly watchFleetUpgrade: (fleetUpgradeId: string, signal?: AbortSignal) => AsyncIterable<FleetUpgrade>;
  readonly monitor: MonitorSource;
  readonly feed: FeedSource;
  readonly recordReport: (report: GatewayReport) => Promise<void>;
  readonly addMeasurements: (batch: MeasurementBatch) => Promise<unknown>;
  /** Bearer token that callers must send. */
  readonly token: string;
  /** Whether requests can be served now. */
  readonly isReady: () => Promise<boolean>;
  /** For Prometheus. */
  readonly metrics: () => Promise<Metric[]>;
  readonly log: Logger;
}

/** The API over HTTP, without a socket: `request` calls it in tests. */
export interface HttpApp {
  readonly fetch: (request: Request, environment?: object) => Response | Promise<Response>;
  readonly request: (address: string, init?: RequestInit) => Response | Promise<Response>;
  /** Ends feeds and watches, which would go on for ever. */
  endStreams(): void;
}

/**
 * What needs no token: health, for those who restart us, and the description of the API, which is the same everywhere
 * and holds no data. Every other address needs it, unknown ones included.
 */
const OPEN_PATHS = /^\/(healthz|readyz|openapi\.json|docs(\/[\w.-]+)?)$/;

/** What programs ask for every second, and nobody reads about. */
const FREQUENT_PATHS = /^\/(healthz|readyz|metrics|v1\/gateway\/.*)$/;

const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { handlers, publish, watchMigration, watchMigrationLog, watchFleetUpgrade, monitor, feed } = options;
  const { recordReport, addMeasurements, isReady, metrics, log } = options;
  const app = new OpenAPIHono<HttpEnvironment>();
  const authorize = createAuthorization(options.token);
  const streams = createOpenStreams(log);

  app.use(async (c, next) => {
    const started = performance.now();
    const requestId = requestIdOf(c.req.header(REQUEST_ID_HEADER));
    c.set("requestId", requestId);
    await inRequestSpan({ method: c.req.method, headers: c.req.raw.headers, requestId }, async () => {
      await next();
      return { status: c.res.status, route: routePath(c, -1) };
    });
    for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, [REQUEST_ID_HEADER]: requestId })) {
      if (name === REQUEST_ID_HEADER || !c.res.headers.has(name)) c.res.headers.set(name, value);
    }
    // The path without its query, and no header: nothing secret comes into the log.
    const { method, path } = c.req;
    const entry = { requestId, method, path, status: c.res.status, ms: Math.round(performance.now() - started) };
    if (FREQUENT_PATHS.test(path)) log.debug(entry, "request");
    else log.info(entry, "request");
  });
  app.use(async (c, next) => {
    if (!OPEN_PATHS.test(c.req.path)) authorize(c.req.header("authorization"));
    await next();
  });

  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) =>
    (await isReady()) ? c.json({ status: "ok" }) : c.json({ status: "not ready" }, 503),
  );
  app.get("/metrics", async (c) => c.body(prometheusText(await metrics()), 200, { "content-type": PROMETHEUS_TYPE }));
  addApiRoutes(app, handlers);
  addPublishRoute(app, publish);
  addWatchRoute(app, { watchMigration, streams });
  addWatchLogRoute(app, { watchMigrationLog, streams });
  addWatchFleetRoute(app, { watchFleetUpgrade, streams });
  addMonitorRoute(app, { monitor, streams });
  addGatewayRoutes(app, { feed, recordReport, addMeasurements, streams });
  addDocsPage(app);
  app.openAPIRegistry.registerComponent("securitySchemes", BEARER, { type: "http", scheme: "bearer" });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "AI-BOS Versions", version: manifest.version, license: { name: manifest.license } },
  });

  app.notFound((c) => {
    throw new RouteNotFoundError(c.req.method, c.req.path.slice(0, 200));
  });
  app.onError((error, c) => {
    const requestId = c.get("requestId");
    const { status, body, unexpected } = problemOf(error, requestId);
    if (unexpected) log.error({ requestId, method: c.req.method, path: c.req.path, err: error }, "a request failed");
    if (status === 401) c.header("www-authenticate", "Bearer");
    return c.body(JSON.stringify(body), status, { "content-type": PROBLEM_TYPE });
  });

  return {
    fetch: (request, environment) => app.fetch(request, environment),
    request: (address, init) => app.request(address, init),
    endStreams: () => streams.end(),
  };
}
