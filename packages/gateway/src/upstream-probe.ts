import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { awakeTimeout } from "./awake-clock.ts";
import { isFaultOfGateway } from "./upstream-failure.ts";

/**
 * Whether an upstream answers its health path with 2xx, in time. Where nobody said what that path is: whether it takes
 * connections. Each probe has a connection of its own: one from before would tell of a listener that is gone. Undefined when this gateway could not ask.
 */
export async function probeUpstream(
  url: URL,
  healthPath: string | null,
  timeout: number,
): Promise<boolean | undefined> {
  const giveUp = new AbortController();
  const rest = awakeTimeout(timeout, () => giveUp.abort());
  const { signal } = giveUp;
  try {
    return healthPath === null ? await takesConnections(url, signal) : await answersWell(url, healthPath, signal);
  } catch (error) {
    return error instanceof Error && isFaultOfGateway(error) ? undefined : false;
  } finally {
    rest();
  }
}

async function answersWell(base: URL, healthPath: string, signal: AbortSignal): Promise<boolean> {
  const url = new URL(base.href.replace(/\/+$/, "") + healthPath);
  const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
    agent: false,
    signal,
    headers: { "user-agent": "aibos-gateway-probe" },
  });
  request.end();
  try {
    const [{ statusCode = 0 }] = (await once(request, "response")) as [{ statusCode?: number }];
    return statusCode >= 200 && statusCode < 300;
  } finally {
    request.on("error", () => undefined).destroy();
  }
}

async function takesConnections({ hostname, port, protocol }: URL, signal: AbortSignal): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const socket = connect({ host, port: Number(port || (protocol === "https:" ? 443 : 80)), signal });
  try {
    await once(socket, "connect");
    return true;
  } finally {
    socket.on("error", () => undefined).destroy();
  }
}
