import type { IncomingMessage, ServerResponse } from "node:http";

const MAX_DISCARDED_BYTES = 1024 * 1024;
const MAX_DISCARD_MS = 1_000;

/**
 * Call before the end of an answer that may come before the end of its request. What is left of the body is read and
 * thrown away, within bounds, so that the client gets to read the answer: a connection that is closed on a client
 * that still sends is reset, and the answer lost with it. Past the bounds the connection is closed.
 */
export function discardUnreadBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  response.once("finish", () => {
    if (request.complete && request.readableEnded) return;
    const { socket } = request;
    let discarded = 0;
    const timer = setTimeout(() => socket.destroy(), MAX_DISCARD_MS);
    request.on("data", (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > MAX_DISCARDED_BYTES) socket.destroy();
    });
    request.once("close", () => clearTimeout(timer));
    request.resume();
  });
}
