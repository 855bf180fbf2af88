import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type AdmissionDesk, UNKNOWN_ROUTE } from "./admission.ts";
import type { AnswerFacts } from "./client-headers.ts";
import type { ContextSigner } from "./context-signer.ts";
import { Forward, NO_UPSTREAM } from "./forward.ts";
import { forwardUpgrade } from "./forward-upgrade.ts";
import type { GatewaySettings } from "./gateway-options.ts";
import type { LiveUpgrades } from "./live-upgrades.ts";
import { sendProblem, sendProblemOnSocket } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";
import { addressOf, identifyTarget, type RequestTarget } from "./request-target.ts";
import type { RouteDrain } from "./route-drain.ts";
import type { RouteEntry, RouteVersion } from "./route-entry.ts";
import { routeKeyOf } from "./route-key.ts";
import type { RouteTable } from "./route-table.ts";
import { stickyUserOf } from "./sticky-user.ts";
import { discardUnreadBody } from "./unread-body.ts";
import { failureCodeOf } from "./upstream-failure.ts";
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
  readonly upgrades: LiveUpgrades;
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
}

export function isWebSocketRequest(request: IncomingMessage): boolean {
  return request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket";
}

/** Takes each request from the public listener to a module's process: identify, admit, choose, sign, forward. */
export function createRequestHandler(parts: RequestHandlerParts): RequestHandler {
  const { settings, table, desk, drain, pools, signer, upgrades } = parts;
  const { log } = settings;

  /** Undefined when nothing is known of the version's processes. */
  function passageOf(
    request: IncomingMessage,
    target: RequestTarget,
    entry: RouteEntry,
    requestId: string,
  ): Passage | undefined {
    const user = stickyUserOf(request, settings.stickyHeader, settings.stickyCookie);
    const version = versionFor(entry, user.key);
    const { module } = entry.route;
    const endpoints = table.endpoints(module, version.version);
    if (endpoints === undefined) return undefined;
    // With one version there is nothing to stick to.
    const setCookie = entry.split.length > 1 ? user.setCookie : undefined;
    return {
      version,
      answer: { requestId, version: version.version, setCookie },
      headers: upstreamHeaders(request, {
        requestId,
        context: signer.sign(entry, version, endpoints.contextKey),
        prefix: target.prefix,
        host: addressOf(request)?.host ?? "",
        trustForwarded: settings.trustForwarded,
      }),
      // Looked up at each try: a process may have been restarted elsewhere meanwhile.
      next: (tried) =>
        pools.next(`${module}@${version.version}`, table.endpoints(module, version.version)?.urls ?? [], tried),
    };
  }

  function failed(entry: RouteEntry, requestId: string, error: Error, when: string): void {
    const { tenant, module } = entry.route;
    log.warn({ requestId, tenant, module, error: failureCodeOf(error), when }, "an upstream failed");
  }

  return {
    request(request, response, expectsContinue) {
      const requestId = requestIdOf(request);
      const refuse = (problem: Parameters<typeof sendProblem>[1]): void => {
        discardUnreadBody(request, response);
        sendProblem(response, problem, requestId);
      };
      const target = identifyTarget(request, settings);
      if (target === undefined) return refuse(UNKNOWN_ROUTE);
      const ticket = desk.admit(routeKeyOf(target.tenant, target.module), (admission) => {
        if (response.destroyed) return;
        if ("problem" in admission) return refuse(admission.problem);
        const { entry } = admission;
        const passage = passageOf(request, target, entry, requestId);
        if (passage === undefined) return refuse(NO_UPSTREAM);
        new Forward({
          request,
          response,
          expectsContinue,
          path: target.path,
          headers: passage.headers,
          answer: passage.answer,
          next: passage.next,
          ended: drain.start(entry.key),
          failed: (error, when) => failed(entry, requestId, error, when),
        }).start();
      });
      response.once("close", () => ticket.leave());
    },

    upgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      const requestId = requestIdOf(request);
      if (!isWebSocketRequest(request)) {
        const detail = "Connections can be upgraded to WebSocket only, with a GET request.";
        sendProblemOnSocket(socket, { code: "AIBOS_GATEWAY_REQUEST_INVALID", detail }, requestId);
        return;
      }
      const target = identifyTarget(request, settings);
      if (target === undefined) return sendProblemOnSocket(socket, UNKNOWN_ROUTE, requestId);
      const stopWatching = watchWaitingSocket(socket);
      const ticket = desk.admit(routeKeyOf(target.tenant, target.module), (admission) => {
        if (socket.destroyed) return;
        if ("problem" in admission) return sendProblemOnSocket(socket, admission.problem, requestId);
        const { entry } = admission;
        const passage = passageOf(request, target, entry, requestId);
        if (passage === undefined) return sendProblemOnSocket(socket, NO_UPSTREAM, requestId);
        upgrades.add(entry.key, passage.version.version, socket);
        forwardUpgrade({
          socket,
          head,
          opening: stopWatching,
          path: target.path,
          headers: passage.headers,
          answer: passage.answer,
          answerTimeout: settings.upstreamHeadersTimeout,
          next: passage.next,
          failed: (error) => failed(entry, requestId, error, "before answer"),
        });
      });
      socket.once("close", () => ticket.leave());
    },
  };
}
