import type { ModuleManifest } from "@aibos/contract";
import type { ModuleId, Version } from "@aibos/domain";

export interface DeploymentName {
  readonly module: ModuleId;
  readonly version: Version;
}

/** How one version is to run. */
export interface DeploymentSpec extends DeploymentName {
  readonly runtime: ModuleManifest["runtime"];
  readonly install: ModuleManifest["install"];
  /** SHA-256 of the archive, in hex. */
  readonly digest: string;
  /** Called only when the archive is not unpacked yet. */
  readonly readArchive: () => Promise<Buffer>;
  /** What the platform puts into the environment, without the port. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it runs; for the driver `external`. */
  readonly url?: string;
}

/**
 * `starting` · `healthy` · `restarting`: it died or hung and is started again after a delay · `failed`: its start
 * failed and is tried again after a delay · `unhealthy`: somebody else runs it and it does not answer · `stopped`
 */
export type DeploymentState = "starting" | "healthy" | "restarting" | "failed" | "unhealthy" | "stopped";

export interface DeploymentStatus extends DeploymentName {
  readonly state: DeploymentState;
  /** Base URL; null while it has none. */
  readonly url: string | null;
  readonly pid: number | null;
  /** Starts after the first one. */
  readonly restarts: number;
  readonly lastError: string | null;
}

/** What the processes of a version use of the machine. */
export interface ProcessUsage extends DeploymentName {
  /** Tells these processes from those of an earlier or later start. */
  readonly process: string;
  /** When it was looked at, in milliseconds of a clock that only goes forwards. */
  readonly at: number;
  /** How long their CPU worked since they began, in milliseconds. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** Runs module versions in one way. A deployment that was asked for is kept running until it is stopped. */
export interface RuntimeDriver {
  /**
   * Resolves when the version is healthy: it runs already, is adopted from a control plane that died, or is started.
   *
   * @throws DeploymentStartFailedError, InstallFailedError, ArchiveInvalidError; it goes on being tried afterwards
   */
  ensure(spec: DeploymentSpec): Promise<DeploymentStatus>;
  /** Ends it, with SIGTERM and then SIGKILL where it is a process; resolves when it is gone. Unknown names do nothing. */
  stop(name: DeploymentName): Promise<void>;
  /** All that it runs, those included that an earlier control plane started and nobody asked for yet. */
  list(): DeploymentName[];
  /** What the versions' processes use, as far as it is known: not of those that somebody else runs. */
  usage(): Promise<ProcessUsage[]>;
  /** Where the output of a version's processes ends, in bytes; 0 where it has none here. */
  outputEnd(name: DeploymentName): Promise<number>;
  /** The newest lines, 20 at most, that they wrote since then. */
  outputSince(name: DeploymentName, from: number): Promise<string[]>;
  /** Calls back with every change; returns how to end that. */
  onChange(listener: (status: DeploymentStatus) => void): () => void;
  /** Ends the supervision, and the processes too when asked. */
  close(options: { stopProcesses: boolean }): Promise<void>;
}

export function deploymentKey({ module, version }: DeploymentName): string {
  return `${module}@${version}`;
}
