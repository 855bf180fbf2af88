import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { MODULE_ENVIRONMENT } from "@aibos/contract";
import { type ArtifactStore, openArtifactStore } from "./artifact-store.ts";
import { DeploymentStartFailedError } from "./deployment-start-failed-error.ts";
import { findFreePort } from "./free-port.ts";
import { readGroupUsage } from "./group-usage.ts";
import { lastLines, logSize, openModuleLog, rotateModuleLog, tellingLines } from "./module-log.ts";
import { ModuleProcess, type RunningProcess, SUPERVISION_TIMES, type SupervisionTimes } from "./module-process.ts";
import { endGroup, isRunning } from "./process-group.ts";
import { openProcessRecords, type ProcessRecord } from "./process-records.ts";
import {
  deploymentKey,
  type DeploymentName,
  type DeploymentSpec,
  type DeploymentStatus,
  type RuntimeDriver,
} from "./runtime-driver.ts";
import { parseDeploymentKey } from "./parse-deployment-key.ts";
import { startCommand } from "./start-command.ts";
import { createTurns } from "./turns.ts";

const ROTATE_EVERY_MS = 10_000;

export interface ProcessDriverOptions {
  /** Where artifacts, logs and the records of processes are kept; only one driver may use it at a time. */
  readonly folder: string;
  readonly log: Logger;
  readonly times?: SupervisionTimes;
}

interface Supervised {
  readonly spec: string;
  readonly process: ModuleProcess;
}

/** So many lines of a process's output are told at a time. */
const OUTPUT_LINES = 20;

/**
 * Runs versions as processes on this machine. Each is recorded on disk before it begins, so that after a control plane
 * was killed the next one finds what still runs: it is adopted when the same version is asked for with the same
 * specification, and ended otherwise.
 */
export async function createProcessDriver(options: ProcessDriverOptions): Promise<RuntimeDriver> {
  const { folder, log, times = SUPERVISION_TIMES } = options;
  const logFolder = join(folder, "logs");
  await mkdir(logFolder, { recursive: true, mode: 0o700 });
  const records = await openProcessRecords(join(folder, "processes"));
  const found = new Map<string, ProcessRecord>();
  for (const record of await records.readAll()) {
    const deployment = parseDeploymentKey(record.name);
    if (deployment !== undefined && record.port !== null && (await isRunning(record))) {
      found.set(record.name, record);
      log.info({ ...deployment, pid: record.pid }, "found a process of an earlier run");
      continue;
    }
    await endGroup(record, record.stopTimeoutSeconds * 1_000);
    await records.remove(record.name);
  }
  const artifacts: ArtifactStore = await openArtifactStore(join(folder, "artifacts"), { records, logFolder });
  const supervised = new Map<string, Supervised>();
  const ports = new Set([...found.values()].map(({ port }) => port ?? 0));
  const listeners = new Set<(status: DeploymentStatus) => void>();
  let closed = false;

  const logOf = (name: DeploymentName): string => join(logFolder, `${deploymentKey(name)}.log`);

  const rotation = setInterval(() => {
    for (const key of supervised.keys()) {
      rotateModuleLog(join(logFolder, `${key}.log`)).catch((error: unknown) => {
        log.warn({ error, deployment: key }, "a log was not rotated; trying again");
      });
    }
  }, ROTATE_EVERY_MS);
  rotation.unref();

  async function launch(spec: DeploymentSpec, digest: string): Promise<RunningProcess> {
    const { command, environment, stopTimeoutSeconds } = spec.runtime;
    if (command === undefined) throw new DeploymentStartFailedError(spec, "its manifest has no runtime.command.");
    const place = await artifacts.folderOf(spec);
    const port = await findFreePort(ports);
    ports.add(port);
    const name = deploymentKey(spec);
    const moduleLog = await openModuleLog(logOf(spec));
    try {
      const started = await startCommand({
        command,
        folder: place,
        logFd: moduleLog.fd,
        environment: {
          ...environment,
          ...spec.environment,
          [MODULE_ENVIRONMENT.port]: String(port),
        },
        record: (group) =>
          records.write({
            ...group,
            name,
            port,
            spec: digest,
            stopTimeoutSeconds,
          }),
      });
      return { pid: started.pid, identity: started.identity, ended: started.ended, port };
    } catch (error) {
      ports.delete(port);
      throw error;
    } finally {
      await moduleLog.close();
    }
  }

  /** A process of an earlier control plane: it is the same version's when everything that it was started with is. */
  async function takeFound(key: string, digest: string): Promise<RunningProcess | undefined> {
    const record = found.get(key);
    found.delete(key);
    if (record === undefined || record.port === null) return undefined;
    if (record.spec === digest && (await isRunning(record))) {
      return { pid: record.pid, identity: record.identity, port: record.port };
    }
    await endRecorded(record);
    return undefined;
  }

  async function endRecorded(record: ProcessRecord): Promise<void> {
    await endGroup(record, record.stopTimeoutSeconds * 1_000);
    await records.remove(record.name);
    ports.delete(record.port ?? 0);
  }

  async function supervise(spec: DeploymentSpec, digest: string): Promise<ModuleProcess> {
    const key = deploymentKey(spec);
    const current = supervised.get(key);
    if (current?.spec === digest) return current.process;
    supervised.delete(key);
    await current?.process.stop();
    const adopted = await takeFound(key, digest);
    const process = new ModuleProcess({
      spec,
      times,
      found: adopted,
      launch: () => launch(spec, digest),
      gone: async (running) => {
        await records.remove(key);
        ports.delete(running.port);
      },
      log: { path: logOf(spec), tellingLines: () => tellingLines(logOf(spec)) },
      changed: (status) => {
        const facts = {
          module: status.module,
          version: status.version,
          pid: status.pid,
          problem: status.lastError,
        };
        if (status.state === "failed" || status.state === "restarting") log.warn(facts, `deployment ${status.state}`);
        else log.info(facts, `deployment ${status.state}`);
        for (const listener of listeners) listener(status);
      },
    });
    supervised.set(key, { spec: digest, process });
    return process;
  }

  // Two who ask for a version at once get one process.
  const { inTurn, settled } = createTurns();

  return {
    async ensure(spec) {
      const key = deploymentKey(spec);
      const process = await inTurn(key, async () => {
        if (closed) throw new DeploymentStartFailedError(spec, "the control plane is stopping.");
        return supervise(spec, digestOf(spec));
      });
      return process.healthy();
    },
    stop(name) {
      const key = deploymentKey(name);
      return inTurn(key, async () => {
        const current = supervised.get(key);
        supervised.delete(key);
        await current?.process.stop();
        const record = found.get(key);
        found.delete(key);
        if (record !== undefined) await endRecorded(record);
      });
    },
    list() {
      return [...new Set([...supervised.keys(), ...found.keys()])].flatMap((key) => parseDeploymentKey(key) ?? []);
    },
    async usage() {
      const running = [...supervised.values()].flatMap(({ process }) => process.running ?? []);
      const usage = await readGroupUsage(new Set(running.map(({ pid }) => pid)));
      const at = performance.now();
      return running.flatMap(({ pid, identity, module, version }) => {
        const used = usage.get(pid);
        return used === undefined ? [] : [{ module, version, process: identity, at, ...used }];
      });
    },
    outputEnd: (name) => logSize(logOf(name)),
    outputSince: (name, from) => lastLines(logOf(name), OUTPUT_LINES, from),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close({ stopProcesses }) {
      closed = true;
      clearInterval(rotation);
      artifacts.close();
      await settled();
      await Promise.all(
        [...supervised.values()].map(({ process }) => (stopProcesses ? process.stop() : process.leave())),
      );
      if (stopProcesses) await Promise.all([...found.values()].map(endRecorded));
    },
  };
}

/** Digest of everything that a process of the version is started with. */
function digestOf({ digest, runtime, environment }: DeploymentSpec): string {
  return createHash("sha256").update(JSON.stringify({ digest, runtime, environment })).digest("hex");
}
