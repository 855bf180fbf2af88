import type { Socket } from "node:net";

/** Where a connection comes from, as it is written in `x-forwarded-for` and `forwarded`. */
export interface Peer {
  readonly address: string;
  readonly scheme: "http" | "https";
  /** The same as the beginning of an element of `Forwarded` (RFC 7239, 4). */
  readonly element: string;
}

const peers = new WeakMap<Socket, Peer>();

/** Computed once for each connection. An IPv4 address in IPv6's clothes is told as what it is. */
export function peerOf(socket: Socket): Peer {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "unknown";
  const scheme = "encrypted" in socket && socket.encrypted === true ? "https" : "http";
  const node = address.includes(":") ? `"[${address}]"` : address;
  const peer: Peer = { address, scheme, element: `for=${node};proto=${scheme}` };
  peers.set(socket, peer);
  return peer;
}

/** An element of `Forwarded`: who asked, by which protocol, and for which host. */
export function forwardedElement(peer: Peer, host: string): string {
  return host === "" ? peer.element : `${peer.element};host="${host.replace(/["\\]/g, "\\$&")}"`;
}
