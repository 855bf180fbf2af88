import { type Kysely, sql } from "kysely";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { deploymentKey, type DeploymentName } from "../../runtime/runtime-driver.ts";
import { publishRouteChanges } from "../route-feed/publish-route-changes.ts";

export interface DeploymentFacts {
  readonly state: string;
  readonly url: string | null;
  readonly pid: number | null;
  readonly restarts: number;
  readonly lastError: string | null;
}

/** What came of asking for a deployment: it is ours to start, or somebody else's, in this state. */
export type Claim =
  | {
      readonly ours: true;
      /** What is recorded of it; undefined where it is this process's only now. */
      readonly recorded: DeploymentFacts | undefined;
    }
  | { readonly ours: false; readonly state: string; readonly url: string | null };

export interface DeploymentStore {
  /** Makes this process the owner unless a living one is. */
  claim(name: DeploymentName): Promise<Claim>;
  /** Records what the runtime driver says; gateways learn of a changed address in the same transaction. */
  record(name: DeploymentName, facts: DeploymentFacts): Promise<void>;
  /** Gives a deployment up: nobody runs it any more. Resolves to the revision of the routes that says so. */
  release(name: DeploymentName): Promise<number | undefined>;
  /** Versions that instances or unfinished migrations need. */
  wanted(): Promise<DeploymentName[]>;
  /**
   * What is known of a version that this process does not own: it runs elsewhere, which gateways know by a revision of
   * the routes; somebody is about to run it, and requests go where they went; or it runs nowhere.
   */
  leftSince(name: DeploymentName): Promise<{ kind: "elsewhere"; revision: number } | { kind: "soon" | "nowhere" }>;
  /** What this process owns. */
  owned(): Promise<DeploymentName[]>;
  /** Wanted versions that no living process owns. */
  ownerless(): Promise<DeploymentName[]>;
  /** Versions that nobody wants and that a process which is gone left running, as far as it told. */
  abandoned(): Promise<DeploymentName[]>;
}

export function createDeploymentStore(database: ControlDatabase, executorId: string): DeploymentStore {
  const { db } = database;
  return {
    async claim(name) {
      // Nobody takes it from a living process: for one that has it already, there is nothing to lock.
      const mine = await findRow(db, name, executorId);
      if (mine !== undefined) return { ours: true, recorded: mine };
      return database.transaction(async (tx) => {
        const { module, version } = name;
        await tx.db
          .insertInto("deployments")
          .values({ module, version })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const row = await lockRow(tx.db, name);
        const ownerLives = row.owner !== null && (await isLive(tx.db, row.owner));
        if (row.owner !== executorId && ownerLives) return { ours: false, state: row.state, url: row.url };
        if (row.owner !== executorId) {
          await tx.db
            .updateTable("deployments")
            .set({ owner: executorId, state: "starting" })
            .where("module", "=", module)
            .where("version", "=", version)
            .execute();
        }
        return { ours: true, recorded: undefined };
      });
    },

    record: (name, facts) =>
      database.transaction(async (tx) => {
        const row = await lockRow(tx.db, name);
        if (row.owner !== executorId) return;
        // Until it serves, requests go on where they went: to the process of a control plane that is gone, if to any.
        const url = facts.state === "starting" ? row.url : servingUrl(facts);
        await tx.db
          .updateTable("deployments")
          .set({
            state: facts.state,
            url,
            pid: facts.pid,
            restarts: facts.restarts,
            last_error: facts.lastError,
            updated_at: sql<Date>`clock_timestamp()`,
          })
          .where("module", "=", name.module)
          .where("version", "=", name.version)
          .execute();
        if (url !== row.url) {
          const urls = url === null ? [] : [url];
          const healthPath = await healthPathOf(tx.db, name);
          await publishRouteChanges(tx, () => [{ kind: "endpoints", ...name, urls, healthPath }]);
        }
      }),

    release: (name) =>
      database.transaction(async (tx) => {
        const row = await lockRow(tx.db, name);
        if (row.owner !== executorId) return undefined;
        await tx.db
          .updateTable("deployments")
          .set({ owner: null, state: "stopped", url: null, pid: null })
          .where("module", "=", name.module)
          .where("version", "=", name.version)
          .execute();
        return publishRouteChanges(tx, () => [{ kind: "endpoints", ...name, urls: null, healthPath: null }]);
      }),

    leftSince: (name) =>
      database.transaction(async (tx) => {
        const row = await lockRow(tx.db, name);
        if (row.owner === null || !(await isLive(tx.db, row.owner))) {
          return row.url === null ? { kind: "nowhere" } : { kind: "soon" };
        }
        if (row.state !== "healthy") return { kind: "soon" };
        const { revision } = await tx.db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
        return { kind: "elsewhere", revision };
      }),

    wanted: async () => (await wantedVersions(db)).map(({ module, version }) => ({ module, version })),

    owned: () => db.selectFrom("deployments").select(["module", "version"]).where("owner", "=", executorId).execute(),

    ownerless: async () => {
      const taken = await db
        .selectFrom("deployments as d")
        .innerJoin("control_plane_processes as p", "p.id", "d.owner")
        .select(["d.module", "d.version"])
        .where("p.state", "=", "live")
        .execute();
      return without(await wantedVersions(db), taken);
    },

    abandoned: async () => {
      const left = await db
        .selectFrom("deployments as d")
        .leftJoin("control_plane_processes as p", "p.id", "d.owner")
        .select(["d.module", "d.version"])
        .where("d.state", "<>", "stopped")
        .where(sql<boolean>`p.state is distinct from 'live'`)
        .execute();
      return without(left, await wantedVersions(db));
    },
  };
}

function without(names: readonly DeploymentName[], left: readonly DeploymentName[]): DeploymentName[] {
  const taken = new Set(left.map(deploymentKey));
  return names.filter((name) => !taken.has(deploymentKey(name)));
}

/** The base URL that gateways may use: none while it is not healthy. */
function servingUrl({ state, url }: DeploymentFacts): string | null {
  return state === "healthy" ? url : null;
}

async function wantedVersions(db: Kysely<ControlTables>): Promise<DeploymentName[]> {
  const { rows } = await sql<DeploymentName>`
    select module, version from tenant_module_instances where status <> 'retired'
    union
    select module, to_version from migration_records
    where finished_at is null and status in ('running', 'paused') and to_version is not null
  `.execute(db);
  return rows;
}

async function healthPathOf(db: Kysely<ControlTables>, { module, version }: DeploymentName): Promise<string> {
  const { manifest } = await db
    .selectFrom("module_versions")
    .select("manifest")
    .where("module", "=", module)
    .where("version", "=", version)
    .executeTakeFirstOrThrow();
  return manifest.runtime.healthPath;
}

function lockRow(db: Kysely<ControlTables>, { module, version }: DeploymentName) {
  return db
    .selectFrom("deployments")
    .selectAll()
    .where("module", "=", module)
    .where("version", "=", version)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

async function findRow(
  db: Kysely<ControlTables>,
  { module, version }: DeploymentName,
  owner: string,
): Promise<DeploymentFacts | undefined> {
  const row = await db
    .selectFrom("deployments")
    .select(["state", "url", "pid", "restarts", "last_error"])
    .where("module", "=", module)
    .where("version", "=", version)
    .where("owner", "=", owner)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { last_error: lastError, ...facts } = row;
  return { ...facts, lastError };
}

async function isLive(db: Kysely<ControlTables>, executorId: string): Promise<boolean> {
  const row = await db
    .selectFrom("control_plane_processes")
    .select("state")
    .where("id", "=", executorId)
    .executeTakeFirst();
  return row?.state === "live";
}
