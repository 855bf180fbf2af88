/** An address as bytes of IPv6; IPv4 is the last four. Null for what is no address. */
function bytesOf(text: string): { bytes: number[]; bits: 32 | 128 } | null {
  if (!text.includes(":")) {
    const bytes = ipv4(text);
    return bytes === null ? null : { bytes, bits: 32 };
  }
  const bytes = ipv6(text);
  if (bytes === null) return null;
  // ::ffff:1.2.3.4 is how a socket of both families names an IPv4 peer.
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? { bytes: bytes.slice(12), bits: 32 } : { bytes, bits: 128 };
}

function ipv4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

function ipv6(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === "" ? [] : groupsOf(half)));
  if (head == null || (halves.length === 2 && tail == null)) return null;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...Array.from({ length: Math.max(0, missing) }, () => 0), ...(tail ?? [])];
}

function groupsOf(text: string): number[] | null {
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const last = index === groups.length - 1 && group.includes(".") ? ipv4(group) : null;
    if (last !== null) bytes.push(...last);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return null;
  }
  return bytes.length > 16 ? null : bytes;
}

function isIn(address: string, network: string): boolean | null {
  const [base = "", lengthText, ...rest] = network.split("/");
  const left = bytesOf(address);
  const right = bytesOf(base);
  if (left === null || right === null || rest.length > 0) return null;
  const length = lengthText === undefined ? right.bits : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : Infinity;
  if (length > right.bits) return null;
  if (left.bits !== right.bits) return false;
  for (let bit = 0; bit < length; bit += 8) {
    const mask = length - bit >= 8 ? 0xff : (0xff << (8 - (length - bit))) & 0xff;
    if (((left.bytes[bit / 8] ?? 0) & mask) !== ((right.bytes[bit / 8] ?? 0) & mask)) return false;
  }
  return true;
}

/** `[address, network or list of networks]`, IPv4 and IPv6 (RFC 4632, RFC 4291); null for what is none of them. */
export function isInCidr(values: readonly unknown[]): boolean | null {
  const [address, networks] = values;
  if (values.length !== 2 || typeof address !== "string") return null;
  let known: boolean | null = null;
  for (const network of Array.isArray(networks) ? networks : [networks]) {
    const inside: boolean | null = typeof network === "string" ? isIn(address, network) : null;
    if (inside === true) return true;
    known ??= inside;
  }
  return known;
}
