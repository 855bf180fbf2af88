import { applyFlagFeedChange, type FlagFeedChange, type FlagSnapshot } from "@aibos/contract";
import { FlagSet, type ModuleId, parseFlagDefinitions, type TenantId, type Version } from "@aibos/domain";
import type { Logger } from "pino";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { Notifications } from "../../db/notifications.ts";
import { readFlagSnapshot } from "./flag-read-model.ts";

/** How long nobody looks for changes when no notice comes, in milliseconds. */
const POLL_MS = 500;
/** Changes that are kept for those who follow the feed; who is further behind gets a snapshot. */
const RECENT = 1_000;
const BATCH = 500;
/** Tenants in one set; beyond that it is read anew, with those alone that still ask. */
const MAX_TENANTS = 50_000;

export interface FlagRevision {
  readonly revision: number;
  readonly module: ModuleId | null;
  readonly tenant: string | null;
  readonly changes: readonly FlagFeedChange[];
  readonly at: number;
}

interface LoadedSet {
  readonly set: FlagSet;
  readonly tenants: Set<string>;
  /** What was read has all changes up to here. */
  readonly revision: number;
}

/**
 * Flag sets in memory, kept up with what is set in the database: a change of any process is here in less than a second.
 * A version's set is read when somebody asks for it, and a tenant's overrides when somebody asks for the tenant.
 */
export interface FlagEvaluators {
  /** A set with the tenant's overrides in it. */
  setFor(module: ModuleId, version: Version, tenant: TenantId): Promise<FlagSet>;
  /** The same without waiting, where it is in memory already. */
  readySetFor(module: ModuleId, version: Version, tenant: TenantId): FlagSet | undefined;
  /** The newest revision that is in all sets. */
  readonly revision: number;
  /** Resolves when a revision is in all sets, after `ms`, or when `signal` says so. */
  waitFor(revision: number, ms: number, signal?: AbortSignal): Promise<void>;
  /** Changes after a revision, oldest first; undefined when some are not kept any more. */
  since(revision: number): readonly FlagRevision[] | undefined;
  close(): Promise<void>;
}

export function createFlagEvaluators(options: {
  database: ControlDatabase;
  notifications: Notifications;
  log: Logger;
}): FlagEvaluators {
  const { database, notifications, log } = options;
  const sets = new Map<string, LoadedSet>();
  const waiting = new Set<() => void>();
  let recent: FlagRevision[] = [];
  let known = -1;
  let closed = false;

  // One at a time: what is read while changes are applied would miss some.
  let queue: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  }

  async function catchUp(): Promise<void> {
    if (closed) return;
    if (known < 0) {
      const head = await database.db.selectFrom("flag_head").select("revision").executeTakeFirstOrThrow();
      known = head.revision;
      return;
    }
    for (;;) {
      const rows = await database.db
        .selectFrom("flag_changes")
        .select(["revision", "module", "tenant", "after", "created_at"])
        .where("revision", ">", known)
        .orderBy("revision")
        .limit(BATCH)
        .execute();
      for (const { revision, module, tenant, after, created_at: at } of rows) {
        for (const loaded of sets.values()) {
          if (revision > loaded.revision && (module === null || module === loaded.set.metadata.flagSetId)) {
            for (const change of after) applyTo(loaded, change);
          }
        }
        recent.push({ revision, module, tenant, changes: after, at: at.getTime() });
        known = revision;
      }
      if (recent.length > 2 * RECENT) recent = recent.slice(-RECENT);
      if (rows.length > 0) for (const wake of waiting) wake();
      if (rows.length < BATCH) return;
    }
  }

  function applyTo({ set, tenants }: LoadedSet, change: FlagFeedChange): void {
    const tenant = tenantOf(change);
    if (tenant !== undefined && !tenants.has(tenant)) return;
    try {
      applyFlagFeedChange(set, change);
    } catch (error) {
      // It was validated when it was set: the rest of the flags must not wait for it.
      log.error({ error, change }, "a change of flags could not be applied");
    }
  }

  async function load(module: ModuleId, version: Version): Promise<LoadedSet> {
    const key = `${module}@${version}`;
    const ready = sets.get(key);
    if (ready !== undefined && ready.tenants.size < MAX_TENANTS) return ready;
    const snapshot = await readFlagSnapshot(database, { module, version }, "none");
    const loaded = { set: setOfSnapshot(snapshot), tenants: new Set<string>(), revision: snapshot.revision };
    sets.set(key, loaded);
    return loaded;
  }

  async function loadTenant(module: ModuleId, version: Version, tenant: TenantId): Promise<FlagSet> {
    const loaded = await load(module, version);
    if (loaded.tenants.has(tenant)) return loaded.set;
    const { changes } = await readFlagSnapshot(database, { module, version }, { tenant });
    for (const change of changes) if (tenantOf(change) === tenant) applyFlagFeedChange(loaded.set, change);
    loaded.tenants.add(tenant);
    return loaded.set;
  }

  const look = (): void => {
    inTurn(catchUp).catch((error: unknown) => log.warn({ error }, "changes of flags could not be read; trying again"));
  };
  const unsubscribe = notifications.on("aibos_flags", look);
  const timer = setInterval(look, POLL_MS);
  timer.unref();
  look();

  const readySetFor: FlagEvaluators["readySetFor"] = (module, version, tenant) => {
    const loaded = sets.get(`${module}@${version}`);
    return loaded?.tenants.has(tenant) === true ? loaded.set : undefined;
  };

  return {
    readySetFor,
    async setFor(module, version, tenant) {
      return readySetFor(module, version, tenant) ?? inTurn(() => loadTenant(module, version, tenant));
    },
    get revision() {
      return known;
    },
    async waitFor(revision, ms, signal) {
      if (known >= revision || signal?.aborted === true) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const limit = setTimeout(resolve, ms);
      const wake = (): void => {
        if (known >= revision) resolve();
      };
      const stop = (): void => resolve();
      waiting.add(wake);
      signal?.addEventListener("abort", stop);
      await promise;
      signal?.removeEventListener("abort", stop);
      waiting.delete(wake);
      clearTimeout(limit);
    },
    since(revision) {
      if (revision === known) return [];
      const [first] = recent;
      if (first === undefined || revision < first.revision - 1 || revision > known) return undefined;
      return recent.filter((change) => change.revision > revision);
    },
    async close() {
      closed = true;
      clearInterval(timer);
      unsubscribe();
      await queue;
    },
  };
}

function tenantOf(change: FlagFeedChange): string | undefined {
  if (change.kind === "tenant") return change.tenant;
  return change.kind === "setting" && "tenant" in change.scope ? change.scope.tenant : undefined;
}

function setOfSnapshot({ module, version, flags, changes }: FlagSnapshot): FlagSet {
  const set = new FlagSet(module, version, parseFlagDefinitions(flags).definitions);
  for (const change of changes) applyFlagFeedChange(set, change);
  return set;
}
