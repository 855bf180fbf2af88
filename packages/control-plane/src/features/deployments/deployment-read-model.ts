import { type Kysely, sql } from "kysely";
import type { Deployment, Page } from "@aibos/contract";
import type { ModuleId, Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

/** A page of deployments, by module and version. */
export async function listDeployments(
  db: Kysely<ControlTables>,
  page: { after: { module: ModuleId; version: Version } | undefined; limit: number },
): Promise<Page<Deployment>> {
  let query = deployments(db)
    .orderBy("d.module")
    .orderBy("d.version")
    .limit(page.limit + 1);
  if (page.after !== undefined) {
    query = query.where(sql<boolean>`(d.module, d.version) > (${page.after.module}, ${page.after.version})`);
  }
  const rows = await query.execute();
  const shown = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? shown.at(-1) : undefined;
  return { items: shown.map(describe), nextCursor: last === undefined ? null : `${last.module}@${last.version}` };
}

export async function findDeployment(
  db: Kysely<ControlTables>,
  module: ModuleId,
  version: Version,
): Promise<Deployment | undefined> {
  const row = await deployments(db).where("d.module", "=", module).where("d.version", "=", version).executeTakeFirst();
  return row === undefined ? undefined : describe(row);
}

function deployments(db: Kysely<ControlTables>) {
  return db
    .selectFrom("deployments as d")
    .innerJoin("module_versions as v", (join) =>
      join.onRef("v.module", "=", "d.module").onRef("v.version", "=", "d.version"),
    )
    .select([
      "d.module",
      "d.version",
      "d.state",
      "d.url",
      "d.pid",
      "d.restarts",
      "d.last_error",
      sql<"process" | "external">`v.manifest #>> '{runtime,driver}'`.as("driver"),
      sql<number>`(select count(*) from tenant_module_instances i
        where i.module = d.module and i.version = d.version and i.status <> 'retired')`.as("tenants"),
    ]);
}

function describe(row: Awaited<ReturnType<ReturnType<typeof deployments>["execute"]>>[number]): Deployment {
  const { last_error: lastError, ...rest } = row;
  return { ...rest, lastError };
}
