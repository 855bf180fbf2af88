import { createHash } from "node:crypto";
import { parseModuleManifest } from "@aibos/contract";
import { parseModuleId, parseVersion } from "@aibos/domain";
import { packFiles } from "../../testing/notes-module.ts";
import type { DeploymentSpec } from "../runtime-driver.ts";

/** A server that does what its path says: answers, dies, hangs, writes. */
const SERVER = `import { createServer } from "node:http";
import { spawn } from "node:child_process";
let hung = false;
createServer((request, response) => {
  if (hung) return;
  if (request.url === "/die") process.exit(3);
  if (request.url === "/hang") hung = true;
  if (request.url === "/child") {
    const child = spawn("sleep", ["600"], { stdio: "ignore" });
    return response.end(String(child.pid));
  }
  if (request.url === "/environment") return response.end(JSON.stringify(process.env));
  if (request.url === "/write") process.stdout.write("x".repeat(4096) + "\\n");
  response.end(String(process.pid));
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => {
  if (process.env.STUBBORN !== "1") process.exit(0);
});
`;

export interface SmallModuleOptions {
  readonly command?: string;
  readonly install?: string;
  readonly environment?: Record<string, string>;
  readonly files?: Record<string, string>;
  readonly startTimeoutSeconds?: number;
  readonly stopTimeoutSeconds?: number;
}

/** The specification of a version that needs nothing but Node. */
export async function smallModule(version: string, options: SmallModuleOptions = {}): Promise<DeploymentSpec> {
  const { command, install, environment = {}, files = {}, startTimeoutSeconds = 10, stopTimeoutSeconds = 1 } = options;
  const manifest = JSON.stringify({
    id: "small",
    version,
    title: "Small",
    runtime: { command: command ?? ["node", "server.mjs"], environment, startTimeoutSeconds, stopTimeoutSeconds },
    ...(install === undefined ? {} : { install }),
  });
  const archive = await packFiles({ "aibos.module.yaml": manifest, "server.mjs": SERVER, ...files });
  const parsed = parseModuleManifest(manifest);
  return {
    module: parseModuleId("small"),
    version: parseVersion(version),
    runtime: parsed.runtime,
    install: parsed.install,
    digest: createHash("sha256").update(archive).digest("hex"),
    readArchive: async () => archive,
    environment: { AIBOS_MODULE: "small", AIBOS_VERSION: version },
  };
}
