import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type AdmissionDesk, UNKNOWN_ROUTE } from "./admission.ts";
import type { AnswerFacts } from "./client-headers.ts";
import { beginAnswer, isGone, wentOut } from "./client-answer.ts";
import type { ContextSigner } from "./context-signer.ts";
import { type ExchangeObserver, ExchangeRecord } from "./exchange.ts";
import { type Attempt, forwardRequest, NO_UPSTREAM } from "./forward.ts";
import { forwardUpgrade } from "./forward-upgrade.ts";
import type { GatewaySettings } from "./gateway-options.ts";
import type { HoldTicket } from "./hold-queue.ts";
import type { LiveStreams } from "./live-streams.ts";
import type { Telemetry } from "./measurements/telemetry.ts";
import type { Mirror } from "./mirror.ts";
import { sendProblem, sendProblemOnSocket } from "./problem.ts";
import { RequestFacts } from "./request-facts.ts";
import { requestIdOf } from "./request-id.ts";
import { requestFault } from "./request-fault.ts";
import { addressOf, identifyTarget, type RequestTarget } from "./request-target.ts";
import type { RouteDrain } from "./route-drain.ts";
import type { RouteEntry, RouteVersion } from "./route-entry.ts";
import { routeKeyOf } from "./route-key.ts";
import type { RouteTable } from "./route-table.ts";
import { stickyUserOf } from "./sticky-user.ts";
import { traceContextOf } from "./trace-context.ts";
import { discardUnreadBody } from "./unread-body.ts";
import { failureCodeOf } from "./upstream-failure.ts";
import { offeredProtocols } from "./upgrade-request.ts";
import { upstreamHeaders } from "./upstream-headers.ts";
import type { Upstream, UpstreamPools } from "./upstream-pools.ts";
import { versionFor } from "./version-choice.ts";
import { watchWaitingSocket } from "./waiting-socket.ts";

export interface RequestHandlerParts {
  readonly settings: GatewaySettings;
  readonly table: RouteTable;
  readonly desk: AdmissionDesk;
  readonly drain: RouteDrain;
  readonly pools: UpstreamPools;
  readonly signer: ContextSigner;
  readonly streams: LiveStreams;
  readonly mirror: Mirror;
  readonly observers: readonly ExchangeObserver[];
  /** Spans, where somebody records them. */
  readonly telemetry: Pick<Telemetry, "begin"> | undefined;
  /** Hears how each try at a process went. */
  readonly attempted: (attempt: Attempt) => void;
}

export interface RequestHandler {
  request(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** What an admitted request needs to be forwarded. */
interface Passage {
  readonly headers: string[];
  readonly answer: AnswerFacts;
  readonly version: RouteVersion;
  readonly next: (tried: ReadonlySet<Upstream>) => Upstream | undefined;
  /** The headers for another version of the route. */
  readonly headersFor: (version: RouteVersion) => string[] | undefined;
}

const LAST_HOP: ReadonlySet<string> = new Set(["OPTIONS", "TRACE"]);

const NONE: ReadonlySet<Upstream> = new Set();

/** Takes each request from the public listener to a module's process: identify, admit, choose, sign, forward. */
export function createRequestHandler(parts: RequestHandlerParts): RequestHandler {
  const { settings, table, desk, drain, pools, signer, streams, mirror, observers, telemetry, attempted } = parts;
  const { log } = settings;

  /** Undefined when nothing is known of the version's processes. */
  function passageOf(
    request: IncomingMessage,
    target: RequestTarget,
    entry: RouteEntry,
    exchange: ExchangeRecord,
  ): Passage | undefined {
    const now = settings.now();
    const user = stickyUserOf(request, settings.stickyHeader, settings.stickyCookie, now);
    const facts = new RequestFacts(request, {
      key: entry.key,
      path: target.path,
      user,
      testerKey: table.testerKey,
      now,
    });
    const version = versionFor(entry, facts);
    const { module } = entry.route;
    const { requestId } = exchange;
    exchange.chosen(version.version);
    const received = traceContextOf(request.headers, settings.traceSample);
    const trace = telemetry?.begin(exchange, received) ?? received;
    exchange.traceId = trace.traceId;
    const headersFor = (version: RouteVersion): string[] | undefined => {
      const endpoints = table.endpoints(module, version.version);
      if (endpoints === undefined) return undefined;
      return upstreamHeaders(request, {
        requestId,
        context: signer.sign(entry, version, endpoints.contextKey),
        prefix: target.prefix,
        host: addressOf(request)?.host ?? "",
        trustForwarded: settings.trustForwarded,
        trace,
      });
    };
    const headers = headersFor(version);
    if (headers === undefined) return undefined;
    // With one version there is nothing to stick to.
    const setCookie = entry.versions.length > 1 ? user.setCookie : undefined;
    return {
      version,
      answer: { requestId, version: version.version, setCookie },
      headers,
      headersFor,
      // Looked up at each try: a process may have been restarted elsewhere meanwhile.
      next: (tried) => upstreamOf(module, version.version, tried),
    };
  }

  function upstreamOf(module: string, version: string, tried: ReadonlySet<Upstream> = NONE): Upstream | undefined {
    return pools.next(`${module}@${version}`, table.endpoints(module, version)?.urls ?? [], tried);
  }

  function failed(entry: RouteEntry, requestId: string, error: Error, when: string): void {
    const { tenant, module } = entry.route;
    log.warn({ requestId, tenant, module, error: failureCodeOf(error), when }, "an upstream failed");
  }

  function begin(kind: ExchangeRecord["kind"], request: IncomingMessage): ExchangeRecord {
    return new ExchangeRecord(kind, request, requestIdOf(request), settings.now(), observers);
  }

  function identify(request: IncomingMessage, exchange: ExchangeRecord): RequestTarget | undefined {
    const target = identifyTarget(request, settings);
    exchange.tenant = target?.tenant;
    exchange.module = target?.module;
    return target;
  }

  return {
    request(request, response, expectsContinue) {
      const exchange = begin("request", request);
      const refuse = (problem: Parameters<typeof sendProblem>[1]): void => {
        discardUnreadBody(request, response);
        sendProblem(response, problem, exchange);
      };
      let ticket: HoldTicket | undefined;
      let compare: ReturnType<Mirror["copy"]>;
      response.once("close", () => {
        ticket?.leave();
        if (!wentOut(response)) exchange.failed("client-gone");
        exchange.end();
        compare?.(exchange);
      });
      const fault = requestFault(request, settings);
      if (fault !== undefined) return refuse(fault);
      if (request.headers["max-forwards"] === "0" && LAST_HOP.has(exchange.method)) {
        // The gateway is as far as the request may go (RFC 9110, 7.6.2).
        exchange.answered(204);
        beginAnswer(response, 204, "", ["x-request-id", exchange.requestId]);
        response.end();
        return;
      }
      const target = identify(request, exchange);
      if (target === undefined) return refuse(UNKNOWN_ROUTE);
      ticket = desk.admit(routeKeyOf(target.tenant, target.module), (admission) => {
        if (isGone(response)) return;
        if ("problem" in admission) return refuse(admission.problem);
        const { entry } = admission;
        const passage = passageOf(request, target, entry, exchange);
        if (passage === undefined) return refuse(NO_UPSTREAM);
        compare = mirror.copy(
          request,
          { entry, chosen: passage.version, path: target.path },
          { upstreamOf, headersFor: passage.headersFor, started: (key) => drain.start(key) },
        );
        const { version, answer, headers, next } = passage;
        const drained = drain.start(entry.key);
        let endStream: (() => void) | undefined;
        forwardRequest({
          exchange,
          attempted,
          request,
          response,
          expectsContinue,
          path: target.path,
          headers,
          answer,
          next,
          limits: settings,
          streaming: (cut) => {
            drained();
            endStream = streams.add(entry.key, version.version, cut);
          },
          ended: () => {
            drained();
            endStream?.();
          },
          failed: (error, when) => failed(entry, exchange.requestId, error, when),
        });
      });
    },

    upgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      const exchange = begin("upgrade", request);
      let ticket: HoldTicket | undefined;
      socket.once("close", () => {
        ticket?.leave();
        if (exchange.status === undefined) exchange.failed("client-gone");
        exchange.end();
      });
      const fault = requestFault(request, settings);
      if (fault !== undefined) return sendProblemOnSocket(socket, fault, exchange);
      const target = identify(request, exchange);
      if (target === undefined) return sendProblemOnSocket(socket, UNKNOWN_ROUTE, exchange);
      const stopWatching = watchWaitingSocket(socket);
      ticket = desk.admit(routeKeyOf(target.tenant, target.module), (admission) => {
        if (socket.destroyed) return;
        if ("problem" in admission) return sendProblemOnSocket(socket, admission.problem, exchange);
        const { entry } = admission;
        const passage = passageOf(request, target, entry, exchange);
        if (passage === undefined) return sendProblemOnSocket(socket, NO_UPSTREAM, exchange);
        const endStream = streams.add(entry.key, passage.version.version, () => {
          exchange.failed("cut");
          socket.destroy();
        });
        socket.once("close", endStream);
        forwardUpgrade({
          exchange,
          attempted,
          socket,
          head,
          protocols: offeredProtocols(request),
          opening: stopWatching,
          path: target.path,
          headers: passage.headers,
          answer: passage.answer,
          limits: settings,
          next: passage.next,
          failed: (error) => failed(entry, exchange.requestId, error, "before answer"),
        });
      });
    },
  };
}
