import { BlockList, isIP } from "node:net";
import { lookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/** Networks that are somebody's own: a tenant's URL must not lead into the platform's (RFC 6890 and its registries). */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 127],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv6");
}

/** Whether everybody may be led to an address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  // An IPv4 address in IPv6's clothes is compared with the IPv4 networks by the list itself.
  return !PRIVATE.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** Resolves a name as the connection is made, so that no later answer of the name's server takes the place of this one. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, [], 0);
      return;
    }
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new PrivateAddressError(hostname), [], 0);
      return;
    }
    answer(options.all === true, addresses, first, callback);
  });
};

/** A URL leads to somebody's own network. */
export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
  constructor(host: string) {
    super(`${host} is in a private network`);
  }
}

function answer(
  all: boolean,
  addresses: readonly LookupAddress[],
  first: LookupAddress,
  callback: Parameters<LookupFunction>[2],
): void {
  if (all) callback(null, [...addresses]);
  else callback(null, first.address, first.family);
}
