import type { FeedMessage, RouteChange, VersionEndpoints } from "@aibos/contract";
import type { ModuleId, Version } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { StoredRouteChange } from "../../db/control-tables.ts";
import { readTenantRoutes } from "./read-tenant-route.ts";

/** The key that signs tenant contexts for one version; it is derived, never stored. */
export type ContextKeyOf = (module: ModuleId, version: Version) => string;

type Snapshot = Extract<FeedMessage, { type: "snapshot" }>;

/** All routes and endpoints at one revision: one transaction sees them as they were together. */
export function readRouteSnapshot(
  database: ControlDatabase,
  { feedId, contextKeyOf }: { feedId: string; contextKeyOf: ContextKeyOf },
): Promise<Snapshot> {
  return database.transaction(async ({ db }) => {
    const { revision } = await db.selectFrom("route_head").select("revision").executeTakeFirstOrThrow();
    return {
      type: "snapshot",
      feed: feedId,
      revision,
      routes: await readTenantRoutes(db),
      endpoints: await readEndpoints(db, contextKeyOf),
    };
  }, "repeatable read");
}

async function readEndpoints(db: ControlTransaction["db"], contextKeyOf: ContextKeyOf): Promise<VersionEndpoints[]> {
  const rows = await db
    .selectFrom("deployments")
    .select(["module", "version", "url"])
    .where("state", "=", "healthy")
    .where("url", "is not", null)
    .orderBy("module")
    .orderBy("version")
    .execute();
  return rows.map(({ module, version, url }) => ({
    module,
    version,
    urls: url === null ? [] : [url],
    contextKey: contextKeyOf(module, version),
  }));
}

/** A stored change as gateways get it. */
export function routeChangeOf(change: StoredRouteChange, contextKeyOf: ContextKeyOf): RouteChange {
  if (change.kind === "route") return change;
  const { kind, module, version, urls } = change;
  const endpoints = urls === null ? null : { module, version, urls, contextKey: contextKeyOf(module, version) };
  return { kind, module, version, endpoints };
}
