import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import type { FeedMessage, GatewayReport } from "@aibos/contract";
import { createAdminServer, type GatewayState } from "./admin-server.ts";
import { openAccessLog } from "./access-log.ts";
import { AdmissionDesk } from "./admission.ts";
import { ContextSigner } from "./context-signer.ts";
import { type GatewayOptions, type GatewaySettings, settingsOf } from "./gateway-options.ts";
import { HoldQueue } from "./hold-queue.ts";
import { closeServer, listen } from "./listener.ts";
import { LiveStreams } from "./live-streams.ts";
import { startMeasurements } from "./measurements/measurements.ts";
import { createTelemetry } from "./measurements/telemetry.ts";
import { Mirror } from "./mirror.ts";
import { sendProblemOnSocket } from "./problem.ts";
import { releaseMemory } from "./release-memory.ts";
import { type Reporter, startReporter } from "./reporter.ts";
import { createRequestHandler, type RequestHandler } from "./request-handler.ts";
import { RouteDrain } from "./route-drain.ts";
import { followRouteFeed } from "./route-feed-client.ts";
import { openRouteFile } from "./route-file.ts";
import type { RouteKey } from "./route-key.ts";
import { RouteTable } from "./route-table.ts";
import { startTlsListener } from "./tls-listener.ts";
import { offeredProtocols } from "./upgrade-request.ts";
import { UpstreamPools } from "./upstream-pools.ts";
import { UpstreamWatch } from "./upstream-watch.ts";
import { sawAttempt } from "./upstream-attempt.ts";
import { malformedProblem } from "./malformed-request.ts";

/** After so many routes were read at once, the memory that it took is given back. */
const MANY_ROUTES = 10_000;
/** Routes that were kept are brought up to date before the first request, if that takes no longer; milliseconds. */
const CATCH_UP_MS = 2_000;

export interface Gateway {
  /** Base URL of the public listener. */
  readonly url: string;
  /** Base URL of the public listener for TLS, when there is one. */
  readonly tlsUrl: string | undefined;
  /** Base URL of the admin listener, with `/healthz`, `/readyz` and `/metrics`. */
  readonly adminUrl: string;
  state(): GatewayState;
  /** Opens the access log's file anew, for whoever moved the old one away. */
  reopenLogs(): void;
  /** Takes no more requests, lets those under way end, then ends everything. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway, from the routes that it kept and what the control plane's feed says since: a user whom a worker
 * served must not be sent back by the one that replaces it. When the control plane is away or slow, the gateway serves
 * from the kept routes, and goes on to.
 *
 * @throws PortTakenError
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const settings = settingsOf(options);
  const { log } = settings;
  const table = new RouteTable();
  const holds = new HoldQueue(settings.maxHeld);
  const streams = new LiveStreams(settings.drainTimeout);
  const watch = new UpstreamWatch(settings, log);
  const pools = new UpstreamPools(settings, watch);
  const drain = new RouteDrain(() => reporter?.report());
  const accessLog = settings.accessLog && openAccessLog(settings.accessLog, settings.random);
  const dispatcher = new Agent({ connect: { timeout: settings.upstreamConnectTimeout } });
  let reporter: Reporter | undefined;
  let stopping = false;
  let connected = false;
  /** The feed that the control plane was heard to go on with: a revision of another one would mislead it. */
  let confirmedFeed: string | undefined;

  const mirror = new Mirror(settings.random);
  const startedAt = settings.now();

  const routeFile = openRouteFile(join(settings.folder, "routes.ndjson"), table, log, () => {
    if (table.size >= MANY_ROUTES) releaseMemory();
  });
  await routeFile.read();
  if (table.feed !== undefined) log.info({ revision: table.revision, routes: table.size }, "serving from kept routes");
  pools.follow(table.allEndpoints());
  if (table.size >= MANY_ROUTES) releaseMemory();

  const measurements = await startMeasurements({ settings, dispatcher });
  const telemetry = createTelemetry();
  const handler = createRequestHandler({
    settings,
    table,
    drain,
    pools,
    streams,
    mirror,
    desk: new AdmissionDesk(table, holds, settings.now),
    signer: new ContextSigner(settings.now),
    observers: [
      measurements.observer,
      ...(telemetry === undefined ? [] : [telemetry.observer]),
      ...(accessLog === undefined ? [] : [accessLog]),
      ...settings.observers,
    ],
    telemetry,
    attempted: (attempt) => sawAttempt(watch, attempt, settings.now()),
  });
  const server = createPublicServer(settings, handler, () => stopping);
  const state = (): GatewayState => ({
    stopping,
    revision: table.feed === undefined ? null : table.revision,
    routes: table.size,
    controlPlane: connected ? "connected" : "away",
    heldRequests: holds.size,
    ejectedUpstreams: watch.states().filter(({ state }) => state === "ejected").length,
  });
  const admin = createAdminServer(state, {
    metrics: () => [...watch.metrics(), ...measurements.metrics()],
    upstreams: () => watch.states(),
  });

  const caughtUp = Promise.withResolvers<void>();
  const feed = followRouteFeed({
    settings,
    dispatcher,
    log,
    apply,
    position: () => ({
      feed: table.feed,
      revision: table.revision,
    }),
    connected(isConnected) {
      connected = isConnected;
      if (!isConnected) caughtUp.resolve();
    },
  });
  const cannotListen = async (error: unknown): Promise<never> => {
    await feed.stop();
    await closeServer(server, 0);
    await closeServer(admin, 0);
    await measurements.stop();
    watch.stop();
    throw error;
  };
  const patience = new AbortController();
  await Promise.race([
    caughtUp.promise,
    sleep(CATCH_UP_MS, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  const port = await listen(server, settings.host, settings.port, "--gateway-port (AIBOS_GATEWAY_PORT)").catch(
    cannotListen,
  );
  const adminPort = await listen(admin, "127.0.0.1", settings.adminPort, "AIBOS_GATEWAY_ADMIN_PORT", true).catch(
    cannotListen,
  );
  const tls =
    settings.tls === undefined
      ? undefined
      : await startTlsListener({
          settings: settings.tls,
          host: settings.host,
          http1: server,
          maxHeaderBytes: settings.maxHeaderBytes,
          serve: (request, response, expectsContinue) => handler.request(request, response, expectsContinue),
          log,
        }).catch(cannotListen);
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  const url = `http://${host}:${port}`;

  /** The routes for which a change means something at the moment. */
  function busyRoutes(): Set<RouteKey> {
    return new Set([...drain.keys(), ...streams.keys(), ...holds.keys()]);
  }

  /** What a changed route means for the requests under way, those that wait, and open connections. */
  function routeChanged(key: RouteKey): void {
    drain.changed(key);
    streams.changed(key, table.route(key));
    holds.release(key);
  }

  function apply(message: FeedMessage): "applied" | "gap" {
    if (message.type === "heartbeat") {
      if (confirmedFeed !== table.feed) {
        confirmedFeed = table.feed;
        reporter?.report();
      }
      if (table.feed === undefined || message.revision !== table.revision) return "gap";
      caughtUp.resolve();
      return "applied";
    }
    const applied = message.type === "snapshot" ? table.replace(message) : table.apply(message);
    if (applied.kind === "gap") return "gap";
    if (applied.kind === "begun") return "applied";
    confirmedFeed = table.feed;
    if (message.type === "snapshot") caughtUp.resolve();
    if (applied.kind === "applied") {
      for (const key of applied.changed === "all" ? busyRoutes() : applied.changed) routeChanged(key);
      if (message.type === "snapshot") routeFile.replaced();
      else routeFile.changed(message);
      if (message.type === "snapshot" || message.changes.some(({ kind }) => kind === "endpoints")) {
        pools.follow(table.allEndpoints());
      }
    }
    reporter?.report();
    return "applied";
  }

  reporter = startReporter({
    settings,
    dispatcher,
    log,
    current: (): GatewayReport | undefined =>
      confirmedFeed !== undefined && confirmedFeed === table.feed
        ? {
            gatewayId: settings.id,
            url,
            appliedRevision: table.revision,
            draining: drain.draining(),
            startedAt,
            mirrors: mirror.counts((key, since) => table.route(key)?.policy?.mirror?.since === since),
            ejected: watch.ejected(),
          }
        : undefined,
  });
  reporter.report();

  async function stop(): Promise<void> {
    stopping = true;
    holds.stop();
    streams.cutAll();
    // Reports go on until the last request ended: somebody may wait for that.
    await Promise.all([
      closeServer(server, settings.stopTimeout, settings.idleDrainTimeout),
      tls?.close(settings.stopTimeout),
    ]);
    await measurements.stop();
    await feed.stop();
    await reporter?.stop();
    watch.stop();
    await routeFile.close();
    pools.destroy();
    await dispatcher.destroy();
    await closeServer(admin, 0);
    await accessLog?.close();
  }
  let stopped: Promise<void> | undefined;

  return {
    url,
    tlsUrl: tls && `https://${host}:${tls.port}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    state,
    reopenLogs: () => accessLog?.reopen(),
    stop: () => (stopped ??= stop()),
  };
}

function createPublicServer(settings: GatewaySettings, handler: RequestHandler, isStopping: () => boolean): Server {
  const server = createServer({
    maxHeaderSize: settings.maxHeaderBytes,
    headersTimeout: settings.clientHeadersTimeout,
    requestTimeout: settings.clientRequestTimeout,
    // How often Node looks whether those two have passed; it would be every 30 seconds.
    connectionsCheckingInterval: Math.min(1_000, settings.clientHeadersTimeout, settings.clientRequestTimeout),
    keepAliveTimeout: settings.keepAliveTimeout,
    noDelay: true,
    // Some clients offer HTTP/2 with every request. An offer that is not taken leaves an ordinary request.
    shouldUpgradeCallback: (request) => offeredProtocols(request).length > 0,
  });
  // One more than is allowed: Node would leave the others out without a word.
  server.maxHeadersCount = settings.maxHeaderFields + 1;
  const handle = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    // Says so before the answer's own headers are known: Node adds it to them.
    if (isStopping()) response.shouldKeepAlive = false;
    handler.request(request, response, expectsContinue);
  };
  server.on("request", (request, response) => handle(request, response, false));
  server.on("checkContinue", (request, response) => handle(request, response, true));
  server.on("upgrade", (request, socket, head) => handler.upgrade(request, socket, head));
  server.on("clientError", (error, socket) => {
    // What is written now would pass for a part of the answer that is under way.
    if (answerHasBegun(socket)) {
      socket.destroy();
      return;
    }
    sendProblemOnSocket(socket, malformedProblem(error));
  });
  return server;
}

/** Whether a part of an answer is on its way already. Node keeps the answer under way at its socket. */
function answerHasBegun(socket: Duplex): boolean {
  const answer = (socket as Duplex & { _httpMessage?: { headersSent?: boolean } | null })._httpMessage;
  return answer?.headersSent === true;
}
