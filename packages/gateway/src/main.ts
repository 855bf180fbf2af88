import cluster from "node:cluster";
import pino from "pino";
import { DomainError } from "@aibos/domain";
import { readGatewayConfig } from "./config.ts";
import { startGateway } from "./gateway.ts";
import { startGatewayWorkers } from "./gateway-workers.ts";

// A gateway's process, or one of several that share its port. Its parent reads one line of JSON from standard output:
// that it is ready, or why it could not start. Everything else is the log, on standard error.
//
// SIGTERM and SIGINT stop it in order, SIGHUP opens the access log anew, SIGUSR2 replaces the workers one by one.

const say = (message: Record<string, unknown>): void => {
  if (cluster.isWorker) process.send?.(message);
  else process.stdout.write(`${JSON.stringify(message)}\n`);
};

try {
  const config = readGatewayConfig(process.env);
  const base = { part: "gateway", ...(config.worker !== undefined && { worker: config.worker }) };
  const log = pino(
    { level: config.logLevel, base, serializers: { error: pino.stdSerializers.err } },
    pino.destination({ fd: 2, sync: false }),
  );
  const isPrimary = config.workers > 1 && config.worker === undefined;
  const workers = isPrimary
    ? await startGatewayWorkers({ count: config.workers, adminPort: config.options.adminPort ?? 0, log })
    : undefined;
  const gateway = workers === undefined ? await startGateway({ ...config.options, log }) : undefined;

  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, "stopping");
    void Promise.all([workers?.stop(), gateway?.stop()]).then(() => process.exit(0));
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGHUP", () => {
    gateway?.reopenLogs();
    workers?.signal("SIGHUP");
  });
  process.on("SIGUSR2", () => {
    workers?.restart().catch((error: unknown) => log.error({ error }, "the workers could not be replaced"));
  });
  if (config.stopWithParent) {
    process.stdin.resume();
    process.stdin.once("close", () => stop("the parent is gone"));
  }
  const { url, tlsUrl, adminUrl } = workers ?? gateway ?? {};
  say({ type: "ready", url, adminUrl, ...(tlsUrl !== undefined && { tlsUrl }) });
} catch (error) {
  const code = error instanceof DomainError ? error.code : "AIBOS_INTERNAL";
  say({ type: "failed", code, message: error instanceof Error ? error.message : String(error) });
  if (!(error instanceof DomainError))
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  if (cluster.isWorker) process.disconnect();
  process.exitCode = 1;
  if (!cluster.isWorker) process.exit(1);
}
