import pino from "pino";
import { DomainError } from "@aibos/domain";
import { readGatewayConfig } from "./config.ts";
import { startGateway } from "./gateway.ts";

// One gateway process. Its parent reads one line of JSON from standard output: that it is ready, or why it could not
// start. Everything else is the log, on standard error.

const say = (message: Record<string, unknown>): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const config = readGatewayConfig(process.env);
  const log = pino({ level: config.logLevel, base: { part: "gateway" } }, pino.destination({ fd: 2, sync: false }));
  const gateway = await startGateway({ ...config.options, log });

  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, "stopping");
    void gateway.stop().then(() => process.exit(0));
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  if (config.stopWithParent) {
    process.stdin.resume();
    process.stdin.once("close", () => stop("the parent is gone"));
  }
  say({ type: "ready", url: gateway.url, adminUrl: gateway.adminUrl });
} catch (error) {
  const code = error instanceof DomainError ? error.code : "AIBOS_INTERNAL";
  say({ type: "failed", code, message: error instanceof Error ? error.message : String(error) });
  if (!(error instanceof DomainError))
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
