import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type LogFile, lastLogLines, openLogFile, readLog } from "./log-file.ts";
import { ProgramStartError } from "./program-start-error.ts";

/** A program to run in the background of this one. */
export interface ProgramSpec {
  /** What people call it: "control plane". */
  readonly name: string;
  /** Its main file. */
  readonly file: string;
  readonly logFile: string;
  /** The option of the command line that chooses its port. */
  readonly portOption: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a program says when it is ready. */
export interface Ready {
  readonly url: string;
  readonly tokenFile: string | undefined;
}

export interface Program {
  readonly pid: number | undefined;
  /** @throws ProgramStartError when it ends before it is ready */
  readonly ready: Promise<Ready>;
  /** Never rejects; tells how it ended. */
  readonly ended: Promise<string>;
  /** Asks it to end in order. */
  stop(): void;
  kill(): void;
}

type Message = { type: "ready"; ready: Ready } | { type: "failed"; code: string; message: string };

/**
 * Starts a program and reads the one line that it says: `{"type":"ready",…}` or `{"type":"failed",…}`.
 *
 * It gets a process group of its own, so that Ctrl-C in a terminal reaches this process alone, which then stops its
 * programs in order. It ends by itself when its standard input closes, which happens even if this process is killed.
 */
export async function startProgram(spec: ProgramSpec): Promise<Program> {
  const log = await openLogFile(spec.logFile);
  const child = spawn(process.execPath, [spec.file], {
    detached: true,
    stdio: ["pipe", "pipe", log.fd],
    env: { ...spec.environment, AIBOS_STOP_WITH_PARENT: "1" },
  });
  await log.close();
  // Nothing is ever written to it; a program that died makes it fail.
  child.stdin?.on("error", () => undefined);

  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
  return {
    pid: child.pid,
    ready: readyOf(child, ended, spec, log),
    ended,
    stop: () => void child.kill("SIGTERM"),
    kill: () => void child.kill("SIGKILL"),
  };
}

async function readyOf(child: ChildProcess, ended: Promise<string>, spec: ProgramSpec, log: LogFile): Promise<Ready> {
  const said = await firstMessage(child);
  if (said?.type === "ready") return said.ready;
  const how = await ended;
  const { name: program, logFile, portOption } = spec;
  if (said !== undefined) {
    // The program knows the variable that chooses its port, not this command's option.
    const named = said.message.includes(portOption) || said.message.includes("--postgres-port");
    const way = said.code !== "AIBOS_PORT_TAKEN" || named ? "" : ` Here it is chosen with ${portOption}.`;
    throw new ProgramStartError({ program, logFile, code: said.code, message: said.message + way });
  }
  const lines = lastLogLines(await readLog(logFile, log.begin), 5);
  const message = [
    `The ${program} ${how} before it was ready.${lines.length === 0 ? "" : " It said:"}`,
    ...lines.map((line) => `  ${line}`),
    `Its log is ${logFile}.`,
  ].join("\n");
  throw new ProgramStartError({ program, logFile, code: "AIBOS_INTERNAL", message });
}

/** The first line that is a message; undefined when the output ends without one. */
async function firstMessage(child: ChildProcess): Promise<Message | undefined> {
  if (child.stdout === null) return undefined;
  const { promise, resolve } = Promise.withResolvers<Message | undefined>();
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const message = parseMessage(line);
    if (message !== undefined) resolve(message);
  });
  lines.once("close", () => resolve(undefined));
  child.once("error", () => resolve(undefined));
  return promise;
}

function parseMessage(line: string): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  if (value.type === "failed" && "code" in value && "message" in value) {
    return { type: "failed", code: String(value.code), message: String(value.message) };
  }
  if (value.type !== "ready" || !("url" in value) || typeof value.url !== "string") return undefined;
  const tokenFile = "tokenFile" in value && typeof value.tokenFile === "string" ? value.tokenFile : undefined;
  return { type: "ready", ready: { url: value.url, tokenFile } };
}
