import type { FeedMessage, RouteChange, TenantRoute, VersionEndpoints } from "@aibos/contract";
import type { ModuleId, Version } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { StoredRouteChange } from "../../db/control-tables.ts";
import { readTenantRoutes } from "./read-tenant-route.ts";

/** The key that signs tenant contexts for one version; it is derived, never stored. */
export type ContextKeyOf = (module: ModuleId, version: Version) => string;

type SnapshotPart = Extract<FeedMessage, { type: "snapshot" }>;

/** Routes in one part of a snapshot: a gateway never has more of it in memory as text. */
const PART = 1_000;

export interface RouteSnapshot {
  readonly revision: number;
  readonly routes: readonly TenantRoute[];
  readonly endpoints: readonly VersionEndpoints[];
}

/** All routes and endpoints at one revision: one transaction sees them as they were together. */
export function readRouteSnapshot(database: ControlDatabase, contextKeyOf: ContextKeyOf): Promise<RouteSnapshot> {
  return database.transaction(async ({ db }) => {
    const { revision } = await db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
    return { revision, routes: await readTenantRoutes(db), endpoints: await readEndpoints(db, contextKeyOf) };
  }, "repeatable read");
}

/** A snapshot as it is sent. Endpoints come with the first part. */
export function* partsOf(
  { revision, routes, endpoints }: RouteSnapshot,
  { feed, testerKey }: { feed: string; testerKey: string },
): Generator<SnapshotPart> {
  const parts = Math.max(1, Math.ceil(routes.length / PART));
  for (let part = 0; part < parts; part += 1) {
    yield {
      type: "snapshot",
      feed,
      revision,
      part,
      last: part === parts - 1,
      testerKey,
      routes: routes.slice(part * PART, (part + 1) * PART),
      endpoints: part === 0 ? [...endpoints] : [],
    };
  }
}

async function readEndpoints(db: ControlTransaction["db"], contextKeyOf: ContextKeyOf): Promise<VersionEndpoints[]> {
  const rows = await db
    .selectFrom("deployments as d")
    .innerJoin("module_versions as v", (join) =>
      join.onRef("v.module", "=", "d.module").onRef("v.version", "=", "d.version"),
    )
    .select(["d.module", "d.version", "d.url", "v.manifest"])
    // One that starts has the address of the process whose place it takes.
    .where("d.state", "in", ["healthy", "starting"])
    .where("d.url", "is not", null)
    .orderBy("d.module")
    .orderBy("d.version")
    .execute();
  return rows.map(({ module, version, url, manifest }) => ({
    module,
    version,
    urls: url === null ? [] : [url],
    healthPath: manifest.runtime.healthPath,
    contextKey: contextKeyOf(module, version),
  }));
}

/** A stored change as gateways get it. */
export function routeChangeOf(change: StoredRouteChange, contextKeyOf: ContextKeyOf): RouteChange {
  if (change.kind === "route") return change;
  const { kind, module, version, urls, healthPath } = change;
  const endpoints =
    urls === null ? null : { module, version, urls, healthPath, contextKey: contextKeyOf(module, version) };
  return { kind, module, version, endpoints };
}
