import type { Laboratory } from "./laboratory.ts";
import { Nonconformance } from "./raw-peer.ts";

/** One thing that a proxy must do. `run` throws a {@link Nonconformance} when it does not. */
export interface ConformanceCase {
  /** The sections that it is written from, or "list" for what the project asks for beyond them. */
  readonly section: string;
  /** A sentence about a proxy: "refuses …". */
  readonly title: string;
  /** Cases for HTTP/2 are for proxies that speak it. */
  readonly needs?: "h2";
  readonly run: (laboratory: Laboratory) => Promise<void>;
}

export function demand(isSo: boolean, what: string): void {
  if (!isSo) throw new Nonconformance(what);
}

/** For what should not come: long enough for a proxy on the same machine. */
export function aWhile(milliseconds = 150): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Whether text begins with an answer of such a status. */
export function hasStatus(text: string, pattern: string): boolean {
  return new RegExp(`^HTTP/1\\.[01] ${pattern}\\b`).test(text);
}

/** The field's value in a message's head; undefined when there is none. Several are joined with ", ". */
export function fieldOf(message: string, name: string): string | undefined {
  const head = message.split("\r\n\r\n", 1)[0] ?? "";
  const values = head
    .split("\r\n")
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).trim());
  return values.length === 0 ? undefined : values.join(", ");
}

/** A message's content, without the framing of its chunks. */
export function contentOf(message: string): string {
  const at = message.indexOf("\r\n\r\n");
  const rest = message.slice(at + 4);
  if (!/^transfer-encoding:.*chunked/im.test(message.slice(0, at + 2))) return rest;
  const parts: string[] = [];
  for (let from = 0; ;) {
    const end = rest.indexOf("\r\n", from);
    const size = Number.parseInt(rest.slice(from, end), 16);
    if (end < 0 || !(size > 0)) return parts.join("");
    parts.push(rest.slice(end + 2, end + 2 + size));
    from = end + 4 + size;
  }
}

/** Sends bytes that must be refused: with an error, or by closing. No whole request may reach the upstream. */
export async function mustRefuse(laboratory: Laboratory, text: string): Promise<void> {
  const client = await laboratory.send(text);
  const answer = await client.settled(/^HTTP\/1\.[01] \d{3}/);
  await aWhile(50);
  demand(laboratory.requests.length === 0, `passed it on as ${JSON.stringify(laboratory.requests[0]?.slice(0, 150))}`);
  demand(client.isOver || hasStatus(answer, "[45]\\d\\d"), `answered ${JSON.stringify(answer.slice(0, 60))}`);
}

/** Sends bytes that must be refused, or passed on as one request with one meaning. */
export async function mustRefuseOrRepair(
  laboratory: Laboratory,
  text: string,
  isRepaired: (request: string) => boolean,
): Promise<void> {
  const client = await laboratory.send(text);
  await client.settled(/^HTTP\/1\.[01] \d{3}/);
  await aWhile(50);
  demand(laboratory.requests.length <= 1, `made ${laboratory.requests.length} requests of it`);
  const [request] = laboratory.requests;
  demand(request === undefined || isRepaired(request), `passed it on as ${JSON.stringify(request?.slice(0, 200))}`);
}
