import {
  ConnectionRefusedError,
  feedMessageSchema,
  GATEWAY_FEED_PATH,
  readJsonLines,
  RemoteError,
  UnauthorizedError,
} from "@aibos/contract";
import { RouteTable } from "@aibos/gateway";

/**
 * All routes as they are now.
 *
 * @throws ConnectionRefusedError, UnauthorizedError, RemoteError
 */
export async function readRoutes(server: { url: string; token: string }): Promise<RouteTable> {
  const base = server.url.replace(/\/+$/, "");
  const stop = new AbortController();
  const response = await fetch(`${base}${GATEWAY_FEED_PATH}?gateway=export`, {
    headers: { authorization: `Bearer ${server.token}` },
    signal: stop.signal,
  }).catch((error: unknown) => {
    throw new ConnectionRefusedError(base, error);
  });
  const table = new RouteTable();
  try {
    if (response.status === 401) throw new UnauthorizedError("wrong");
    if (!response.ok) throw noRoutes(response.status);
    for await (const line of readJsonLines(response)) {
      const message = feedMessageSchema.parse(line);
      if (message.type === "snapshot" && table.replace(message).kind === "applied") return table;
    }
    throw noRoutes(response.status);
  } finally {
    stop.abort();
  }
}

function noRoutes(status: number): RemoteError {
  const message = `The server's route feed answered ${status} and gave no routes. Is it an AI-BOS control plane?`;
  return new RemoteError({ code: "AIBOS_INTERNAL", message, status, requestId: null, fields: {} });
}
