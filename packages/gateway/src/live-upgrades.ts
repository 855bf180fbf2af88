import type { Duplex } from "node:stream";
import { type RouteEntry, versionOf } from "./route-entry.ts";
import type { RouteKey } from "./route-key.ts";

/**
 * Upgraded connections by route. They may stay open for days, so that nobody waits for them to drain; they are closed
 * when their version leaves the route, and their clients connect again, to another version.
 */
export class LiveUpgrades {
  readonly #sockets = new Map<RouteKey, Map<Duplex, string>>();

  add(key: RouteKey, version: string, socket: Duplex): void {
    const sockets = this.#sockets.get(key) ?? new Map<Duplex, string>();
    this.#sockets.set(key, sockets.set(socket, version));
    socket.once("close", () => {
      if (sockets.delete(socket) && sockets.size === 0 && this.#sockets.get(key) === sockets) this.#sockets.delete(key);
    });
  }

  /** Closes what the changed route does not allow any more. */
  changed(key: RouteKey, entry: RouteEntry | undefined): void {
    for (const [socket, version] of this.#sockets.get(key) ?? []) {
      if (entry?.route.state !== "active" || versionOf(entry, version) === undefined) socket.destroy();
    }
  }

  closeAll(): void {
    for (const sockets of this.#sockets.values()) for (const socket of sockets.keys()) socket.destroy();
  }
}
