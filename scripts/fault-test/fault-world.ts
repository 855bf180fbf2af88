import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { ConnectionRefusedError, type MultiVersionService } from "@aibos/contract";
import { startLocalPostgres } from "@aibos/local-postgres";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../crash-test/control-plane-process.ts";
import { Events } from "./events.ts";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.ts";
import { MODULE, NEW, OLD, steadyArchive } from "./steady-module.ts";

const PATIENCE_MS = 120_000;

/** A control plane that is killed, stopped and started again at the same address. */
export interface RestartedControlPlane {
  readonly url: string;
  readonly service: MultiVersionService;
  readonly pid: number;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM, and waiting for the end. */
  stop(): Promise<void>;
  /** After one of these. */
  start(): Promise<void>;
}

/** PostgreSQL, a control plane, a gateway with two workers and the versions' processes, all of them real. */
export interface FaultWorld extends AsyncDisposable {
  readonly events: Events;
  readonly client: pg.Client;
  readonly controlPlane: RestartedControlPlane;
  readonly gateway: GatewayProcess;
  /** Ends with the world. */
  startControlPlane(name: string): Promise<RestartedControlPlane>;
  /** A gateway that was killed, again at the same port and on the same folder. */
  startGatewayAgain(): Promise<void>;
  /** Tenants with both versions live and all users on the old one. */
  createTenants(names: readonly string[]): Promise<void>;
}

/** @param keep whether the folder with all logs stays there */
export async function createFaultWorld({ keep }: { keep: boolean }): Promise<FaultWorld> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-faults-")));
  const server = await startLocalPostgres({ folder: join(folder, "server") });
  const events = new Events();
  const controlPlanes: (RestartedControlPlane & { end(): Promise<void> })[] = [];

  async function startControlPlane(name: string): Promise<RestartedControlPlane> {
    const controlPlane = await startRestarted({ dataFolder: join(folder, name), databaseUrl: server.url });
    controlPlanes.push(controlPlane);
    return controlPlane;
  }
  const controlPlane = await startControlPlane("first");
  const token = (await readFile(join(folder, "first", "token"), "utf8")).trim();
  const place = { folder: join(folder, "gateway"), controlUrl: controlPlane.url, token, workers: 2 };
  let gateway = await startGatewayProcess(place);
  const client = new pg.Client({ connectionString: server.url, application_name: "fault test" });
  client.on("error", () => undefined);
  await client.connect();
  for (const version of [OLD, NEW] as const) await controlPlane.service.publish(await steadyArchive(version));

  return {
    events,
    client,
    controlPlane,
    startControlPlane,
    get gateway() {
      return gateway;
    },
    async startGatewayAgain() {
      gateway = await startGatewayProcess({ ...place, port: Number(new URL(gateway.url).port) });
    },
    async createTenants(names) {
      const { service } = controlPlane;
      await Promise.all(
        names.map(async (tenant) => {
          await service.createTenant({ id: tenant });
          await service.install(tenant, MODULE, OLD);
          await service.enableSideBySideVersions(tenant, MODULE, NEW);
        }),
      );
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await client.end();
      for (const one of controlPlanes) await one.end();
      await server.stop();
      if (!keep) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startRestarted(options: { dataFolder: string; databaseUrl: string }) {
  const environment = { AIBOS_KEEP_PROCESSES: "1" };
  const first = await startControlPlaneProcess({ ...options, environment });
  const port = Number(new URL(first.url).port);
  let current: ControlPlaneProcess | undefined = first;
  const gone = (): ControlPlaneProcess => {
    const process = current;
    if (process === undefined) throw new Error("The control plane does not run.");
    current = undefined;
    return process;
  };
  let starting: Promise<void> = Promise.resolve();
  return {
    url: first.url,
    service: first.service,
    get pid() {
      return current?.pid ?? 0;
    },
    start() {
      const next = startControlPlaneProcess({ ...options, port, environment }).then((started) => {
        current = started;
      });
      starting = next.catch(() => undefined);
      return next;
    },
    kill: () => gone().kill(),
    async stop() {
      const code = await gone().stop();
      if (code !== 0) throw new Error(`The control plane ended with ${code} when it was stopped.`);
    },
    /** With all processes of versions: the last start is one that ends them. */
    async end() {
      await starting;
      if (current !== undefined) await gone().stop();
      const last = await startControlPlaneProcess({ ...options, port });
      await last.stop();
    },
  };
}

/** Asks again while the control plane is away. */
export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + PATIENCE_MS; ; await sleep(50)) {
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error) || Date.now() > until) throw error;
    }
  }
}

/** Whether the control plane could not be reached, or ended while it answered. */
export function isAway(error: unknown): boolean {
  return error instanceof ConnectionRefusedError || (error instanceof TypeError && error.message === "terminated");
}
