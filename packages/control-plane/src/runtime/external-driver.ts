import { checkHealth } from "./check-health.ts";
import { DeploymentStartFailedError } from "./deployment-start-failed-error.ts";
import {
  deploymentKey,
  type DeploymentSpec,
  type DeploymentState,
  type DeploymentStatus,
  type RuntimeDriver,
} from "./runtime-driver.ts";

/** How often a version that somebody else runs is asked for its health. */
const CHECK_MS = 5_000;

interface Watched {
  readonly spec: DeploymentSpec;
  status: DeploymentStatus;
  timer: NodeJS.Timeout | undefined;
}

/** Versions that somebody else runs: their URL is given, and their health is checked. */
export function createExternalDriver(checkMs: number = CHECK_MS): RuntimeDriver {
  const watched = new Map<string, Watched>();
  const listeners = new Set<(status: DeploymentStatus) => void>();

  function tell(entry: Watched, state: DeploymentState, lastError: string | null): void {
    if (entry.status.state === state && entry.status.lastError === lastError) return;
    entry.status = { ...entry.status, state, lastError };
    for (const listener of listeners) listener(entry.status);
  }

  async function check(entry: Watched): Promise<string | undefined> {
    const { url, runtime } = entry.spec;
    const problem = await checkHealth(`${url?.replace(/\/+$/, "")}${runtime.healthPath}`);
    tell(entry, problem === undefined ? "healthy" : "unhealthy", problem ?? null);
    return problem;
  }

  function watch(entry: Watched): void {
    entry.timer = setTimeout(() => {
      void check(entry).finally(() => {
        if (watched.get(deploymentKey(entry.spec)) === entry) watch(entry);
      });
    }, checkMs);
  }

  function forget(key: string): void {
    clearTimeout(watched.get(key)?.timer);
    watched.delete(key);
  }

  return {
    async ensure(spec) {
      const { module, version, url } = spec;
      const key = deploymentKey(spec);
      if (url === undefined) {
        throw new DeploymentStartFailedError(
          spec,
          `it is run by somebody else, and nobody told where. Say so with ` +
            `"PUT /v1/modules/${module}/versions/${version}/external-url".`,
        );
      }
      let entry = watched.get(key);
      if (entry?.spec.url !== url) {
        forget(key);
        const status = { module, version, state: "starting", url, pid: null, restarts: 0, lastError: null } as const;
        entry = { spec, status, timer: undefined };
        watched.set(key, entry);
        watch(entry);
      }
      const problem = await check(entry);
      if (problem !== undefined) throw new DeploymentStartFailedError(spec, `at ${url}, ${problem}.`);
      return entry.status;
    },
    async stop(name) {
      forget(deploymentKey(name));
    },
    list: () => [...watched.values()].map(({ spec: { module, version } }) => ({ module, version })),
    usage: async () => [],
    outputEnd: async () => 0,
    outputSince: async () => [],
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      for (const key of watched.keys()) forget(key);
    },
  };
}
