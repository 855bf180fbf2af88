import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort, HOST, type StartProxy, startProgram } from "./proxy.ts";

/** A proxy of Node's world, in a process of its own; `program` is a file in peers/. */
export function startNodePeer(name: string, program: string): StartProxy {
  return async ({ upstreamPort, launcher, answerTimeout }) => {
    const port = await freePort();
    const file = fileURLToPath(new URL(`peers/${program}.ts`, import.meta.url));
    const running = await startProgram([process.execPath, file], {
      port,
      launcher,
      environment: {
        NODE_ENV: "production",
        LISTEN_PORT: String(port),
        UPSTREAM: `http://${HOST}:${upstreamPort}`,
        ANSWER_TIMEOUT: String(answerTimeout),
      },
    });
    return {
      name,
      about: versionOf(name),
      host: HOST,
      port,
      tlsPort: undefined,
      prefix: "",
      pid: running.child.pid ?? 0,
      stop: running.stop,
    };
  };
}

/** Of an installed package; empty for what is none. */
function versionOf(name: string): string {
  try {
    const file = fileURLToPath(new URL(`../../node_modules/${name}/package.json`, import.meta.url));
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "";
  } catch {
    return "";
  }
}
