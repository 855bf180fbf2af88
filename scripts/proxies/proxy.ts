import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** A reverse proxy that runs, in front of one upstream. */
export interface RunningProxy {
  readonly name: string;
  /** Version and how it is set, for the tables. */
  readonly about: string;
  readonly host: string;
  readonly port: number;
  /** The port for HTTP/2 over TLS; undefined for a proxy that has none. */
  readonly tlsPort: number | undefined;
  /** What every path begins with. */
  readonly prefix: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a proxy in front of 127.0.0.1:`upstreamPort`. Null where its program is not there. */
export type StartProxy = (options: ProxyOptions) => Promise<RunningProxy | null>;

export interface ProxyOptions {
  readonly upstreamPort: number;
  /** A folder for its files, removed by the caller. */
  readonly folder: string;
  /** What goes before its command, such as `taskset -c 0`. */
  readonly launcher: readonly string[];
  /** Milliseconds that an upstream has for its answer. */
  readonly answerTimeout: number;
}

export const HOST = "127.0.0.1";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("A server without a port.");
  return address.port;
}

/** Runs a program until it takes connections at the port. */
export async function startProgram(
  command: readonly string[],
  options: { port: number; launcher: readonly string[]; environment?: NodeJS.ProcessEnv },
): Promise<{ child: ChildProcess; stop: () => Promise<void> }> {
  const [program = "", ...args] = [...options.launcher, ...command];
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...options.environment },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => (said = (said + part).slice(-2_000)));
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await exited;
  };
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    if (await answers(options.port)) return { child, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`${program} does not listen: ${said}`);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
