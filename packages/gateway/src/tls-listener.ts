import { readFileSync, type Stats, unwatchFile, watchFile } from "node:fs";
import { createServer as createHttp2Server, type Http2Session } from "node:http2";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createSecureContext, createServer, type SecureContext, type TLSSocket } from "node:tls";
import type { Logger } from "pino";
import { ConfigInvalidError } from "@aibos/contract";
import { listen } from "./listener.ts";

/** The public listener for TLS. */
export interface TlsSettings {
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM files: the certificate with its chain, and its private key. They are read again when they change. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsListener {
  readonly port: number;
  /** Takes no more connections, lets requests under way end, and cuts off what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** How often the files' times are looked at. Renewals come months apart; a watch for events misses renames. */
const LOOK_MS = 2_000;
/** A client that resets streams, or floods in other ways that the protocol allows, has its session ended by Node. */
const STREAMS_PER_SESSION = 256;

/**
 * Serves HTTP/2 where the client offers it (ALPN), and else hands the connection to `http1`, with all its limits.
 * `serve` takes the requests of HTTP/2 in the shape of HTTP/1.1's.
 *
 * A certificate that can't be used stops the start; one that replaces a good one is refused with a word in the log, and
 * the good one serves on.
 *
 * @throws ConfigInvalidError, PortTakenError
 */
export async function startTlsListener(options: {
  settings: TlsSettings;
  host: string;
  http1: Server;
  maxHeaderBytes: number;
  serve: (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => void;
  log: Logger;
}): Promise<TlsListener> {
  const { settings, host, http1, serve, log } = options;
  let context = readContext(settings);
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<Http2Session>();

  const http2 = createHttp2Server({
    maxSendHeaderBlockLength: options.maxHeaderBytes,
    settings: {
      maxConcurrentStreams: STREAMS_PER_SESSION,
      maxHeaderListSize: options.maxHeaderBytes,
      enablePush: false,
    },
  });
  for (const [event, expectsContinue] of [
    ["request", false],
    ["checkContinue", true],
  ] as const) {
    // The compatibility layer's objects: where they differ is in client-answer.ts and request-body.ts.
    http2.on(event, (request, response) => serve(request, response, expectsContinue));
  }
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => undefined);
  });

  const server = createServer({ SNICallback: (_name, done) => done(null, context), ALPNProtocols: ["h2", "http/1.1"] });
  server.setSecureContext(filesOf(settings));
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    (socket.alpnProtocol === "h2" ? http2 : http1).emit("connection", socket);
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());

  const reload = (now: Stats, before: Stats): void => {
    if (now.mtimeMs === before.mtimeMs && now.ino === before.ino) return;
    try {
      context = readContext(settings);
      server.setSecureContext(filesOf(settings));
      log.info({ certFile: settings.certFile }, "the certificate was read again");
    } catch (error) {
      log.error({ error }, "the new certificate can't be used; the one before serves on");
    }
  };
  const port = await listen(server, host, settings.port, "AIBOS_GATEWAY_TLS_PORT");
  const files = [settings.certFile, settings.keyFile];
  for (const file of files) watchFile(file, { interval: LOOK_MS, persistent: false }, reload);

  return {
    port,
    async close(graceMs) {
      for (const file of files) unwatchFile(file, reload);
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      // GOAWAY: streams under way end, new ones go elsewhere.
      for (const session of sessions) session.close();
      const limit = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(limit);
    },
  };
}

function filesOf(settings: TlsSettings): { cert: string; key: string } {
  return { cert: readFileSync(settings.certFile, "utf8"), key: readFileSync(settings.keyFile, "utf8") };
}

function readContext(settings: TlsSettings): SecureContext {
  try {
    return createSecureContext(filesOf(settings));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigInvalidError(
      `The gateway can't serve TLS with AIBOS_GATEWAY_TLS_CERT ${settings.certFile} and AIBOS_GATEWAY_TLS_KEY ${settings.keyFile}: ${why}.`,
    );
  }
}
