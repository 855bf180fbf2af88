import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ProgramSpec, Ready } from "./program.ts";
import { ProgramStartError } from "./program-start-error.ts";
import { removeServerFile, writeServerFile } from "./server-file.ts";
import { gatewayIdOf } from "./gateway-id.ts";
import { portOf, reachableUrl } from "./reachable-url.ts";
import { type ProgramEvent, type RestartDelays, SupervisedProgram } from "./supervised-program.ts";

/** The programs that make a platform on one machine. */
export interface PlatformPrograms {
  readonly controlPlane: string;
  readonly gateway: string;
}

export interface PlatformOptions {
  readonly programs: PlatformPrograms;
  readonly dataFolder: string;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly postgresPort: number | undefined;
  readonly gatewayHost: string | undefined;
  readonly gatewayPort: number | undefined;
  readonly identify: string | undefined;
  readonly baseHost: string | undefined;
  readonly tokenFile: string | undefined;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly delays: RestartDelays;
  readonly onEvent: (event: PlatformEvent) => void;
}

export type PlatformEvent =
  | ProgramEvent
  | { readonly type: "starting" | "stopping" | "stopped"; readonly program: string }
  | { readonly type: "log"; readonly program: string; readonly logFile: string };

/** Where a platform that runs is reached. */
export interface PlatformAddress {
  readonly url: string;
  readonly gatewayUrl: string;
  /** How a tenant's module is addressed there, with placeholders. */
  readonly tenantAddress: string;
  readonly dataFolder: string;
  /** Undefined when the token was given from outside. */
  readonly tokenFile: string | undefined;
}

export interface LocalPlatform {
  /** Starts the control plane, then the gateway. When one can't start, the other is stopped again. @throws ProgramStartError */
  start(): Promise<PlatformAddress>;
  /** Stops the gateway, then the control plane. */
  stop(): Promise<void>;
  /** Ends everything at once, and waits for nothing. */
  kill(): void;
}

const DEFAULT_PORT = 7400;
const DEFAULT_GATEWAY_PORT = 7480;

export function createLocalPlatform(options: PlatformOptions): LocalPlatform {
  const { dataFolder, delays, inherited, onEvent } = options;
  const logs = join(dataFolder, "logs");
  const running: { name: string; program: SupervisedProgram }[] = [];
  let stopped: Promise<void> | undefined;

  function portVariable(name: string, port: number | undefined, otherwise: number): Record<string, string> {
    return { [name]: port === undefined ? inherited[name] || String(otherwise) : String(port) };
  }

  async function startProgram(
    name: string,
    parts: Omit<ProgramSpec, "name" | "environment"> & {
      readonly environment: (before: Ready | undefined) => ProgramSpec["environment"];
    },
  ): Promise<Ready> {
    const { logFile, environment } = parts;
    if (stopped !== undefined) {
      throw new ProgramStartError({ program: name, logFile, code: "AIBOS_INTERNAL", message: "It was stopped." });
    }
    onEvent({ type: "starting", program: name });
    onEvent({ type: "log", program: name, logFile });
    const program = new SupervisedProgram({
      delays,
      onEvent,
      spec: (before) => ({ ...parts, name, environment: { ...inherited, ...environment(before) } }),
    });
    running.push({ name, program });
    return program.start();
  }

  async function start(): Promise<PlatformAddress> {
    await createFolder(dataFolder);
    await createFolder(logs);
    const controlPlane = await startProgram("control plane", {
      file: options.programs.controlPlane,
      portOption: "--port",
      logFile: join(logs, "control-plane.log"),
      environment: (before) => ({
        AIBOS_DATA_DIR: dataFolder,
        ...portVariable("AIBOS_PORT", portOf(before?.url) ?? options.port, DEFAULT_PORT),
        ...(options.host !== undefined && { AIBOS_HOST: options.host }),
        ...(options.postgresPort !== undefined && { AIBOS_POSTGRES_PORT: String(options.postgresPort) }),
        // The option wins over the environment, as it does for the other commands.
        ...(options.tokenFile !== undefined && { AIBOS_TOKEN_FILE: options.tokenFile, AIBOS_TOKEN: undefined }),
      }),
    });
    const url = reachableUrl(controlPlane.url);
    const folder = join(dataFolder, "gateway");
    const id = await gatewayIdOf(folder);
    const tokenFile = controlPlane.tokenFile ?? options.tokenFile;
    const gateway = await startProgram("gateway", {
      file: options.programs.gateway,
      portOption: "--gateway-port",
      logFile: join(logs, "gateway.log"),
      environment: (before) => ({
        AIBOS_GATEWAY_ID: id,
        AIBOS_GATEWAY_FOLDER: folder,
        // Compiled code, for the next start: it starts sooner, and needs 20 MB less.
        NODE_COMPILE_CACHE: inherited["NODE_COMPILE_CACHE"] ?? join(folder, "compile-cache"),
        ...portVariable("AIBOS_GATEWAY_PORT", portOf(before?.url) ?? options.gatewayPort, DEFAULT_GATEWAY_PORT),
        AIBOS_CONTROL_URL: url,
        ...(options.gatewayHost !== undefined && { AIBOS_GATEWAY_HOST: options.gatewayHost }),
        ...(options.identify !== undefined && { AIBOS_GATEWAY_IDENTIFY: options.identify }),
        ...(options.baseHost !== undefined && { AIBOS_GATEWAY_BASE_HOST: options.baseHost }),
        ...(tokenFile !== undefined && { AIBOS_TOKEN_FILE: tokenFile, AIBOS_TOKEN: undefined }),
      }),
    });
    const gatewayUrl = reachableUrl(gateway.url);
    await writeServerFile(dataFolder, { url, gatewayUrl, pid: process.pid });
    return { url, gatewayUrl, tenantAddress: tenantAddress(gatewayUrl, options), dataFolder, tokenFile };
  }

  async function stopAll(): Promise<void> {
    await removeServerFile(dataFolder, process.pid);
    for (const { name, program } of running.toReversed()) {
      onEvent({ type: "stopping", program: name });
      await program.stop();
      onEvent({ type: "stopped", program: name });
    }
  }

  const stop = (): Promise<void> => (stopped ??= stopAll());
  return {
    stop,
    start: async () => {
      try {
        return await start();
      } catch (error) {
        running.pop();
        await stop();
        throw error;
      }
    },
    kill: () => {
      for (const { program } of running) program.kill();
    },
  };
}

/** An address of a tenant's module, in the first of the ways that the gateway was told. */
function tenantAddress(
  gatewayUrl: string,
  { identify, baseHost }: { identify: string | undefined; baseHost: string | undefined },
): string {
  const [way = "path"] = (identify ?? "path").split(",").map((word) => word.trim());
  if (way === "host") {
    const { port } = new URL(gatewayUrl);
    return `http://<tenant>.${baseHost ?? ""}:${port}/<module>/`;
  }
  return way === "header" ? `${gatewayUrl}/ with x-tenant-id and x-module-id` : `${gatewayUrl}/t/<tenant>/<module>/`;
}

/** @throws ConfigInvalidError */
async function createFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { ConfigInvalidError } = await import("@aibos/contract");
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigInvalidError(`The folder ${folder} can't be used: ${reason}. Name another with --data-dir.`, {
      cause,
    });
  }
}
