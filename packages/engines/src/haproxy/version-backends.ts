import type { VersionEndpoints } from "@aibos/contract";

/** Where a process listens, as HAProxy takes it. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Which of HAProxy's backends is for which module version. Backends can't be added to a running HAProxy 2.6, so that
 * there are spare ones, which get their version's addresses when it comes.
 */
export class VersionBackends {
  readonly #names = new Map<string, string>();
  readonly #free: string[];
  readonly #processes: number;

  constructor(versions: number, processes: number) {
    this.#free = Array.from({ length: versions }, (_, index) => `v${index + 1}`);
    this.#processes = processes;
  }

  /** The backend of `<module>@<version>`; undefined while it has none. */
  nameOf(address: string): string | undefined {
    return this.#names.get(address);
  }

  /** Gives a version a backend; undefined when HAProxy can't reach it, or none is free. */
  place({ module, version, urls }: VersionEndpoints): string | undefined {
    const address = `${module}@${version}`;
    const addresses = urls.map(serverAddressOf);
    if (urls.length > this.#processes || addresses.includes(undefined)) {
      this.remove(address);
      return undefined;
    }
    const name = this.#names.get(address) ?? this.#free.shift();
    if (name !== undefined) this.#names.set(address, name);
    return name;
  }

  /** Takes a version's backend away, for another one to use. */
  remove(address: string): void {
    const name = this.#names.get(address);
    if (name === undefined) return;
    this.#names.delete(address);
    this.#free.push(name);
  }

  /** All versions with their backends. */
  entries(): Iterable<[address: string, name: string]> {
    return this.#names;
  }
}

/** An address with a number of its own; undefined for others, which the runtime API doesn't take. */
export function serverAddressOf(url: string): ServerAddress | undefined {
  const { protocol, hostname, port, pathname } = new URL(url);
  const isNumber = /^\d+\.\d+\.\d+\.\d+$/.test(hostname) || hostname.startsWith("[");
  if (protocol !== "http:" || !isNumber || pathname !== "/") return undefined;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 80 : Number(port) };
}
