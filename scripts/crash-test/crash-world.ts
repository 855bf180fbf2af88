import { mkdir, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Migration, MultiVersionService } from "@aibos/contract";
import { startLocalPostgres } from "@aibos/local-postgres";
import { type GatewayProcess, startGatewayProcess } from "../fault-test/gateway-process.ts";
import { clearBreakpoints, installBreakpoints, releaseBreakpoints, removeBreakpoints } from "./breakpoint.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "./control-plane-process.ts";
import { moduleProcesses } from "./inspection.ts";

const PATIENCE_MS = 180_000;

/** A control plane at a place of its own, which is killed, stopped and started again there. */
export class Plane {
  readonly folder: string;
  readonly #databaseUrl: string | undefined;
  #port = 0;
  #process: ControlPlaneProcess | undefined;

  constructor(folder: string, databaseUrl: string | undefined) {
    this.folder = folder;
    this.#databaseUrl = databaseUrl;
  }

  get process(): ControlPlaneProcess {
    if (this.#process === undefined) throw new Error(`No control plane runs in ${this.folder}.`);
    return this.#process;
  }

  get service(): MultiVersionService {
    return this.process.service;
  }

  async start(): Promise<void> {
    this.#process = await startControlPlaneProcess({
      dataFolder: this.folder,
      databaseUrl: this.#databaseUrl,
      port: this.#port,
    });
    this.#port = Number(new URL(this.#process.url).port);
  }

  async kill(): Promise<void> {
    await this.process.kill();
    this.#process = undefined;
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }
}

/** PostgreSQL, a control plane, a gateway and the versions' processes, all of them real; and a second control plane. */
export interface CrashWorld {
  readonly folder: string;
  readonly client: pg.Client;
  readonly first: Plane;
  /** On the same database; not started. */
  readonly second: Plane;
  readonly gateway: GatewayProcess;
  startGateway(): Promise<void>;
  /** kill -9 of PostgreSQL; resolves when it answers again. */
  killPostgres(): Promise<void>;
  /** Ends everything. Resolves to processes of modules that are left, of which there should be none. */
  end(): Promise<string[]>;
}

/**
 * @param how.ownServer whether PostgreSQL is a server that we start, not the embedded one of the control plane
 * @param how.databaseUrl another server, which can't be killed
 */
export async function createCrashWorld(how: {
  ownServer: boolean;
  databaseUrl: string | undefined;
}): Promise<CrashWorld> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-crash-")));
  const home = join(folder, "first");
  const serverFolder = how.ownServer ? join(folder, "server") : join(home, "postgres");
  await mkdir(home, { recursive: true });
  const server = how.ownServer ? await startLocalPostgres({ folder: serverFolder }) : undefined;
  const first = new Plane(home, server?.url ?? how.databaseUrl);
  await first.start();
  // The server of the data folder runs already: adopting it tells its address.
  const url = server?.url ?? how.databaseUrl ?? (await startLocalPostgres({ folder: serverFolder })).url;
  const second = new Plane(join(folder, "second"), url);
  let client = await connect(url);
  await installBreakpoints(client);
  let gateway: GatewayProcess | undefined;

  const world: CrashWorld = {
    folder,
    first,
    second,
    get client() {
      return client;
    },
    get gateway() {
      if (gateway === undefined) throw new Error("No gateway runs.");
      return gateway;
    },
    async startGateway() {
      gateway = await startGatewayProcess({
        folder: join(folder, "gateway"),
        controlUrl: first.process.url,
        token: (await readFile(join(home, "token"), "utf8")).trim(),
        workers: 1,
        port: gateway === undefined ? 0 : Number(new URL(gateway.url).port),
      });
    },
    async killPostgres() {
      if (how.databaseUrl !== undefined && !how.ownServer) throw new Error("The server is not ours to kill.");
      process.kill((await startLocalPostgres({ folder: serverFolder })).pid, "SIGKILL");
      // The embedded one is started again by its control plane.
      if (how.ownServer) {
        // What is dying may still be taken for a server that runs.
        await insist(() => startLocalPostgres({ folder: serverFolder, port: Number(new URL(url).port) }));
      }
      client = await insist(() => connect(url));
    },
    async end() {
      await clearBreakpoints(client).catch(() => undefined);
      await releaseBreakpoints(client).catch(() => undefined);
      await removeBreakpoints(client).catch(() => undefined);
      await gateway?.stop();
      await client.end().catch(() => undefined);
      await second.stop();
      await first.stop();
      const orphans = await moduleProcesses(folder);
      if (how.ownServer) await (await startLocalPostgres({ folder: serverFolder })).stop();
      await rm(folder, { recursive: true, force: true });
      return orphans;
    },
  };
  await world.startGateway();
  return world;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: "crash test" });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Asks again, whatever is wrong: things are being killed. */
export async function insist<T>(ask: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  for (const until = Date.now() + patienceMs; ; await sleep(50)) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

/** Resolves to the migration when it has ended. */
export function ended(service: () => MultiVersionService, id: string): Promise<Migration> {
  return insist(async () => {
    const migration = await service().getMigration(id);
    if (migration.finishedAt !== null) return migration;
    throw new Error(`${id} has not ended: it is ${migration.status} at step "${migration.step ?? "(none)"}".`);
  });
}
