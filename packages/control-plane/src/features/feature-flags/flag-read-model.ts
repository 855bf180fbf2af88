import type { Kysely } from "kysely";
import { type FlagFeedChange, FlagNotFoundError, type FlagSnapshot } from "@aibos/contract";
import { type FlagDefinition, type FlagScope, type ModuleId, parseFlagDefinitions, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import type { FlagSource } from "../../db/flag-tables.ts";

type Db = Kysely<ControlTables>;

/** A version's flags as its manifest writes them. */
export async function readFlagSources(db: Db, module: ModuleId, version: Version): Promise<Record<string, FlagSource>> {
  const rows = await db
    .selectFrom("feature_flags")
    .select(["key", "definition"])
    .where("module", "=", module)
    .where("version", "=", version)
    .orderBy("key")
    .execute();
  return Object.fromEntries(rows.map(({ key, definition }) => [key, definition]));
}

/** The flags that a version declares; none for one that declares none. */
export async function readFlagDefinitions(db: Db, module: ModuleId, version: Version): Promise<FlagDefinition[]> {
  return parseFlagDefinitions(await readFlagSources(db, module, version)).definitions;
}

/** Definitions of all versions that declare flags, newest version first. */
export async function readAllDefinitions(
  db: Db,
  module: ModuleId,
): Promise<{ version: Version; publishedAt: Date; definitions: FlagDefinition[] }[]> {
  const rows = await db
    .selectFrom("feature_flags as f")
    .innerJoin("module_versions as v", (join) =>
      join.onRef("v.module", "=", "f.module").onRef("v.version", "=", "f.version"),
    )
    .select(["f.version", "f.key", "f.definition", "v.published_at"])
    .where("f.module", "=", module)
    .orderBy("v.sort_key", "desc")
    .orderBy("f.key")
    .execute();
  const byVersion = new Map<Version, { publishedAt: Date; sources: Record<string, FlagSource> }>();
  for (const { version, key, definition, published_at: publishedAt } of rows) {
    const known = byVersion.get(version) ?? { publishedAt, sources: {} };
    known.sources[key] = definition;
    byVersion.set(version, known);
  }
  return [...byVersion].map(([version, { publishedAt, sources }]) => ({
    version,
    publishedAt,
    definitions: parseFlagDefinitions(sources).definitions,
  }));
}

/** Versions of a module that any tenant uses. */
export async function readLiveVersions(db: Db, module: ModuleId): Promise<Version[]> {
  const rows = await db
    .selectFrom("tenant_module_instances")
    .select("version")
    .distinct()
    .where("module", "=", module)
    .where("status", "<>", "retired")
    .execute();
  return rows.map(({ version }) => version);
}

/**
 * Versions that a rule for everybody must fit: the live ones that declare the flag, or else all that do.
 *
 * @throws FlagNotFoundError
 */
export async function readConcerned({ db }: { readonly db: Db }, module: ModuleId, flag: string): Promise<Version[]> {
  const all = await readAllDefinitions(db, module);
  const declaring = all
    .filter(({ definitions }) => definitions.some(({ key }) => key === flag))
    .map(({ version }) => version);
  if (declaring.length === 0) throw new FlagNotFoundError(module, flag);
  const live = new Set(await readLiveVersions(db, module));
  const used = declaring.filter((version) => live.has(version));
  return used.length > 0 ? used : declaring;
}

/** Whether a version that tenants use declares the flag. */
export async function isDeclaredByLiveVersion(db: Db, module: ModuleId, flag: string): Promise<boolean> {
  const row = await db
    .selectFrom("feature_flags as f")
    .innerJoin("tenant_module_instances as i", (join) =>
      join.onRef("i.module", "=", "f.module").onRef("i.version", "=", "f.version"),
    )
    .select("f.key")
    .where("f.module", "=", module)
    .where("f.key", "=", flag)
    .where("i.status", "<>", "retired")
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** What a snapshot holds of tenants: one, all, or none, who are then read when somebody asks for one. */
export type SnapshotTenants = { readonly tenant: string } | "all" | "none";

/** All that evaluating one version's flags needs, as of one revision. */
export async function readFlagSnapshot(
  database: ControlDatabase,
  { module, version }: { module: ModuleId; version: Version },
  tenants: SnapshotTenants,
): Promise<FlagSnapshot> {
  return database.transaction(async ({ db }) => {
    const { revision } = await db.selectFrom("flag_head").select("revision").executeTakeFirstOrThrow();
    const flags = await readFlagSources(db, module, version);
    const segments = await db.selectFrom("flag_segments").selectAll().where("module", "=", module).execute();
    const kills = await db.selectFrom("flag_kills").select("flag").where("module", "=", module).execute();
    const changes: FlagFeedChange[] = [
      ...segments.map(({ name, logic }) => ({ kind: "segment", segment: name, when: logic }) as const),
      ...kills.map(({ flag }) => ({ kind: "kill", flag, killed: true }) as const),
      ...(await readSettings(db, { module, version: "" }, "all")),
      ...(tenants === "none" ? [] : await readTenantFacts(db, module, tenants)),
      ...(tenants === "none" ? [] : await readSettings(db, { module, version }, tenants)),
    ];
    return { revision, module, version, flags, changes };
  }, "repeatable read");
}

async function readTenantFacts(
  db: Db,
  module: ModuleId,
  tenants: Exclude<SnapshotTenants, "none">,
): Promise<FlagFeedChange[]> {
  let query = db
    .selectFrom("tenants as t")
    .innerJoin("tenant_modules as m", "m.tenant", "t.id")
    .select(["t.id", "t.labels"])
    .where("m.module", "=", module);
  if (tenants !== "all") query = query.where("t.id", "=", tenants.tenant as never);
  const rows = await query.execute();
  return rows.map(({ id, labels }) => ({ kind: "tenant", tenant: id, labels }));
}

async function readSettings(
  db: Db,
  { module, version }: { module: ModuleId; version: string },
  tenants: Exclude<SnapshotTenants, "none">,
): Promise<FlagFeedChange[]> {
  let query = db.selectFrom("flag_overrides").selectAll().where("module", "=", module).where("version", "=", version);
  if (tenants !== "all") query = query.where("tenant", "=", tenants.tenant);
  const rows = await query.execute();
  return rows.map((row) => ({
    kind: "setting",
    flag: row.flag,
    scope: scopeOf(row),
    version: row.version === "" ? null : row.version,
    setting: row.setting,
  }));
}

/** Whom a stored setting is for. */
export function scopeOf(row: {
  level: FlagScope["level"];
  segment: string;
  tenant: string;
  user_key: string;
}): FlagScope {
  switch (row.level) {
    case "module":
      return { level: "module" };
    case "segment":
      return { level: "segment", segment: row.segment };
    case "tenant":
      return { level: "tenant", tenant: row.tenant };
    case "user":
      return { level: "user", tenant: row.tenant, user: row.user_key };
  }
}
