import pino from "pino";
import { DomainError } from "@aibos/domain";
import manifest from "../package.json" with { type: "json" };
import { readConfig } from "./config.ts";
import { startControlPlane } from "./control-plane.ts";

// One control-plane process. Its parent reads one line of JSON from standard output: that it is ready, or why it could
// not start. Everything else is the log, on standard error.

const say = (message: Record<string, unknown>): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const config = readConfig(process.env);
  const log = pino(
    {
      level: config.logLevel,
      base: { part: "control-plane" },
      serializers: { error: pino.stdSerializers.err },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  const controlPlane = await startControlPlane(config, {
    log,
    program: manifest.version,
    lost: () => {
      log.fatal("another control-plane process declared this one dead and took its work over; ending");
      process.exit(70);
    },
  });

  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, "stopping");
    void controlPlane.stop().then(() => process.exit(0));
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  if (config.stopWithParent) {
    process.stdin.resume();
    process.stdin.once("close", () => stop("the parent is gone"));
  }
  say({ type: "ready", url: controlPlane.url, tokenFile: controlPlane.tokenFile });
} catch (error) {
  const code = error instanceof DomainError ? error.code : "AIBOS_INTERNAL";
  say({ type: "failed", code, message: error instanceof Error ? error.message : String(error) });
  if (!(error instanceof DomainError))
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
