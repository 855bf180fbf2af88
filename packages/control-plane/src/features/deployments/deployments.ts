import type { Logger } from "pino";
import { FLAG_ENVIRONMENT, HoldTimeoutError, MODULE_ENVIRONMENT } from "@aibos/contract";
import { versionRoleName } from "@aibos/domain";
import { createVersionRole } from "@aibos/tenant-data";
import type { ControlDatabase } from "../../db/control-database.ts";
import {
  deploymentKey,
  type DeploymentName,
  type DeploymentSpec,
  type DeploymentStatus,
  type RuntimeDriver,
} from "../../runtime/runtime-driver.ts";
import { createTurns } from "../../runtime/turns.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import type { Installation } from "../installation/installation.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { type DeploymentFacts, type DeploymentStore, createDeploymentStore } from "./deployment-store.ts";

const POLL_MS = 200;
const RECONCILE_MS = 5_000;
/** A version that nobody uses any more runs on for so long unless told: the next tenant may want it, or a rollback. */
export const IDLE_SECONDS = 60;
/** So long a version that is to be stopped runs on for gateways that have not heard of it. */
const DRAIN_MS = 10_000;
/** So long what runs elsewhere by now is kept for gateways that still send requests to it, at a time. */
const LEAVE_MS = 2_000;
/** Waiting for another control-plane process to start a version takes at most so long, in seconds. */
const FOREIGN_START_SECONDS = 120;

export interface Deployments {
  /** Resolves to the base URL of a healthy process; starts one where none runs. @throws DeploymentStartFailedError */
  ensure(name: DeploymentName): Promise<string>;
  /** Where the output ends of a version's processes that run here, in bytes; 0 where there is none. */
  outputEnd(name: DeploymentName): Promise<number>;
  /** The newest lines that they wrote since then. */
  outputSince(name: DeploymentName, from: number): Promise<string[]>;
  /** Name of a version's login role. */
  roleOf(name: DeploymentName): string;
  /** Stops all that this process runs, or leaves it to the next control plane in the same data folder. */
  close(how: { keepProcesses: boolean }): Promise<void>;
}

export interface DeploymentsOptions {
  readonly database: ControlDatabase;
  readonly installation: Installation;
  readonly modules: ModuleReadModel;
  readonly gateways: GatewayReadModel;
  readonly driver: RuntimeDriver;
  readonly executorId: string;
  /** URL of the tenants' database, whose user and password are replaced. */
  readonly dataUrl: string;
  readonly log: Logger;
  /** A version that nobody uses any more runs on for so long. */
  readonly idleSeconds: number;
  /** Milliseconds between looks at what is wanted and what runs; 5,000 unless told. */
  readonly lookEveryMs?: number;
  /** Where processes follow flags, and with what key; null where no API is served. */
  readonly flagFeed: (name: DeploymentName) => Promise<{ url: string; key: string } | null>;
}

/**
 * Runs module versions: wanted is what instances and migrations need, actual is what the runtime driver reports, and
 * every few seconds the difference is applied. A version is run by one control-plane process at a time.
 */
export function createDeployments(options: DeploymentsOptions): Deployments {
  const { database, installation, modules, gateways, driver, executorId, dataUrl, log } = options;
  const { idleSeconds, lookEveryMs = RECONCILE_MS } = options;
  const store: DeploymentStore = createDeploymentStore(database, executorId);
  const unusedSince = new Map<string, number>();
  let writes = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const roleOf = ({ module, version }: DeploymentName): string => versionRoleName(installation.id, module, version);

  // In order, so that an old state never overwrites a newer one.
  function record(status: DeploymentStatus): Promise<void> {
    writes = writes
      .then(() => store.record(status, status))
      .catch((error: unknown) => log.warn({ error, module: status.module }, "a deployment's state was not recorded"));
    return writes;
  }
  const unsubscribe = driver.onChange((status) => void record(status));

  async function specOf({ module, version }: DeploymentName): Promise<DeploymentSpec> {
    const release = await modules.getVersion(module, version);
    const role = roleOf({ module, version });
    const password = installation.rolePassword(role);
    // One that runs here has its role.
    if (!driver.list().some((running) => deploymentKey(running) === deploymentKey({ module, version }))) {
      await database.transaction(async ({ client }) => {
        await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`aibos role ${role}`]);
        await createVersionRole(client, { role, password });
      });
    }
    const flags = await options.flagFeed({ module, version });
    const url = new URL(dataUrl);
    url.username = role;
    url.password = password;
    return {
      module,
      version,
      runtime: release.manifest.runtime,
      install: release.manifest.install,
      digest: release.digest,
      readArchive: () => modules.getArchive(release.digest),
      environment: {
        [MODULE_ENVIRONMENT.databaseUrl]: url.href,
        [MODULE_ENVIRONMENT.contextKey]: installation.contextKey(module, version),
        [MODULE_ENVIRONMENT.module]: module,
        [MODULE_ENVIRONMENT.version]: version,
        ...(flags === null ? {} : { [FLAG_ENVIRONMENT.url]: flags.url, [FLAG_ENVIRONMENT.key]: flags.key }),
      },
      ...(release.externalUrl === null ? {} : { url: release.externalUrl }),
    };
  }

  async function start(name: DeploymentName, recorded: DeploymentFacts | undefined): Promise<string> {
    const spec = await specOf(name);
    try {
      const status = await driver.ensure(spec);
      if (!isRecorded(recorded, status)) await record(status);
      return status.url ?? "";
    } catch (error) {
      await record({
        ...name,
        state: "failed",
        url: null,
        pid: null,
        restarts: 0,
        lastError: error instanceof Error ? error.message : String(error),
      });
      throw error;
    }
  }

  async function ensureNow(name: DeploymentName): Promise<string> {
    for (let waited = 0; ; waited += POLL_MS) {
      const claim = await store.claim(name);
      if (claim.ours) return start(name, claim.recorded);
      if (claim.state === "healthy" && claim.url !== null) return claim.url;
      if (waited > FOREIGN_START_SECONDS * 1_000) {
        throw new HoldTimeoutError(`The start of ${name.module} ${name.version}`, FOREIGN_START_SECONDS);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, POLL_MS);
      });
    }
  }

  // One version's starts and stops take turns: what was found unneeded may be asked for a moment later.
  const { inTurn } = createTurns();
  // Tenants who move together ask together: whoever asks while others wait for their turn waits with them.
  const waiting = new Map<string, Promise<string>>();
  function ensure(name: DeploymentName): Promise<string> {
    const key = deploymentKey(name);
    const joined = waiting.get(key);
    if (joined !== undefined) return joined;
    const turn = inTurn(key, () => {
      waiting.delete(key);
      return ensureNow(name);
    });
    waiting.set(key, turn);
    return turn;
  }

  /** Starts what is needed and does not run, and looks again at what somebody else runs: its address may be new. */
  async function startMissing(wanted: ReadonlySet<string>): Promise<void> {
    const running = new Set(driver.list().map(deploymentKey));
    const own: DeploymentName[] = [];
    for (const name of await store.owned()) {
      if (!wanted.has(deploymentKey(name))) continue;
      const { manifest } = await modules.getVersion(name.module, name.version);
      if (!running.has(deploymentKey(name)) || manifest.runtime.driver === "external") own.push(name);
    }
    const starts = [...(await store.ownerless()), ...own].map((name) =>
      ensure(name).catch((error: unknown) => log.error({ error, ...name }, "a version could not be started")),
    );
    if (!closed) await Promise.all(starts);
  }

  /** Looks at a version in its turn: what was true before may have changed meanwhile. */
  async function lookAt(name: DeploymentName): Promise<{ owned: boolean; wanted: boolean }> {
    const text = deploymentKey(name);
    return {
      owned: (await store.owned()).some((owned) => deploymentKey(owned) === text),
      wanted: (await store.wanted()).some((wanted) => deploymentKey(wanted) === text),
    };
  }

  /** Takes out of the routes what ended processes left and nobody wants. */
  async function releaseAbandoned(): Promise<void> {
    for (const name of await store.abandoned()) {
      await inTurn(deploymentKey(name), async () => {
        if ((await lookAt(name)).wanted) return;
        const claim = await store.claim(name);
        if (claim.ours) await store.release(name);
      });
    }
  }

  /** Whether nobody is sent to the process that runs here of a version that another control plane runs by now. */
  async function isLeft(name: DeploymentName): Promise<boolean> {
    const left = await store.leftSince(name);
    if (left.kind !== "elsewhere") return left.kind === "nowhere";
    // One that has lost its control plane does not know the new address, and nothing else stops it from sending.
    const wait = { revision: left.revision, timeoutMs: LEAVE_MS, alsoDrained: false, alsoSilent: true };
    return gateways.waitUntilApplied(wait).then(
      () => true,
      (error: unknown) => {
        if (error instanceof HoldTimeoutError) return false;
        throw error;
      },
    );
  }

  /** Waits until gateways know that nobody is sent to a version any more, those that can be told at least. */
  async function drain(revision: number | undefined): Promise<void> {
    if (revision === undefined) return;
    await gateways.waitUntilApplied({ revision, timeoutMs: DRAIN_MS, alsoDrained: false }).catch((error: unknown) => {
      if (!(error instanceof HoldTimeoutError)) throw error;
    });
  }

  /**
   * Ends what runs here and should not: what is not this process's, be it left over from an earlier run or run by
   * another control plane meanwhile, as soon as that one's serves; after a while what nobody uses.
   */
  async function stopUnneeded(wanted: ReadonlySet<string>): Promise<void> {
    const owned = new Set((await store.owned()).map(deploymentKey));
    for (const name of driver.list()) {
      const text = deploymentKey(name);
      if (closed) return;
      if (wanted.has(text) && owned.has(text)) {
        unusedSince.delete(text);
        continue;
      }
      const since = unusedSince.get(text) ?? Date.now();
      unusedSince.set(text, since);
      const isUnused = Date.now() - since >= idleSeconds * 1_000;
      await inTurn(deploymentKey(name), async () => {
        const now = await lookAt(name);
        if (now.owned && (now.wanted || !isUnused)) return;
        if (!now.owned && now.wanted && !(await isLeft(name))) return;
        if (now.owned) await drain(await store.release(name));
        await driver.stop(name);
        unusedSince.delete(text);
      });
    }
  }

  async function reconcile(): Promise<void> {
    const wanted = new Set((await store.wanted()).map(deploymentKey));
    await startMissing(wanted);
    await releaseAbandoned();
    await stopUnneeded(wanted);
  }

  async function loop(): Promise<void> {
    await reconcile().catch((error: unknown) => log.warn({ error }, "deployments were not reconciled; trying again"));
    if (!closed) timer = setTimeout(() => void (round = loop()), lookEveryMs);
  }
  let round = loop();

  return {
    ensure,
    outputEnd: (name) => driver.outputEnd(name),
    outputSince: (name, from) => driver.outputSince(name, from),
    roleOf,
    async close({ keepProcesses }) {
      closed = true;
      clearTimeout(timer);
      await round;
      unsubscribe();
      // What is kept stays in the routes: whoever starts next finds the processes, and that this one has ended.
      const owned = keepProcesses ? [] : await store.owned().catch(() => []);
      for (const name of owned) await store.release(name).catch(() => undefined);
      await driver.close({ stopProcesses: !keepProcesses });
      await writes;
    },
  };
}

/** Whether the row says already what the driver says. */
function isRecorded(recorded: DeploymentFacts | undefined, status: DeploymentStatus): boolean {
  const { state, url, pid, restarts, lastError } = status;
  const same = (facts: DeploymentFacts): boolean =>
    facts.state === state &&
    facts.url === url &&
    facts.pid === pid &&
    facts.restarts === restarts &&
    facts.lastError === lastError;
  return recorded !== undefined && same(recorded);
}
