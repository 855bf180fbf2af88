import { createServer } from "node:http";
import { once } from "node:events";
import pino from "pino";
import type { FlagValue, TenantId } from "@aibos/domain";
import { createFlagWorld, type FlagWorld, SHOP } from "../../../features/feature-flags/testing/flag-world.ts";
import { createFlagListener } from "../flag-listener.ts";

/** Flags over real sockets. */
export interface FlagServer extends AsyncDisposable {
  readonly url: string;
  readonly world: FlagWorld;
  /** A tenant with a key, at 1.0.0. */
  tenant(...versions: string[]): Promise<{ tenant: TenantId; key: string }>;
  set(tenant: TenantId, flags: Record<string, FlagValue>): Promise<unknown>;
  /** Closes all connections and takes no more, until `start` is called again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startFlagServer(options: { requestsPerSecond?: number } = {}): Promise<FlagServer> {
  const world = await createFlagWorld();
  const { control, evaluators, versions, keys, usage } = world;
  const listener = createFlagListener({
    database: control.database,
    evaluators,
    versions,
    keys,
    usage,
    log: pino({ level: "silent" }),
    now: Date.now,
    requestsPerSecond: options.requestsPerSecond ?? 100_000,
  });
  const server = createServer((request, response) => {
    if (!listener.handle(request, response)) response.writeHead(404).end();
  });
  let port = 0;
  async function start(): Promise<void> {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  }
  async function stop(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    world,
    start,
    stop,
    async tenant(...live) {
      const tenant = await world.tenant(...(live.length === 0 ? ["1.0.0"] : live));
      const { key } = await world.api.createFlagKey({ params: { tenant, module: SHOP }, query: {}, body: undefined });
      return { tenant, key };
    },
    set: (tenant, flags) =>
      world.api.updateFeatureFlags({
        params: { tenant, module: SHOP },
        query: { author: "operator" },
        body: flags,
      }),
    async [Symbol.asyncDispose]() {
      listener.end();
      await stop();
      await world[Symbol.asyncDispose]();
    },
  };
}
