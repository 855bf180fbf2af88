import type { FeatureFlag, FeatureFlags, FlagCheck } from "@aibos/contract";
import type { FlagDefinition, FlagResult, FlagSet, ModuleId, TenantId, Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readAllDefinitions, readFlagDefinitions } from "./flag-read-model.ts";

/** A result as the API tells it. */
export function checkOf(key: string, result: FlagResult): FlagCheck {
  const { value, variant = null, reason, errorCode = null, errorMessage = null, flagMetadata } = result;
  return {
    key,
    ...(value === undefined ? {} : { value }),
    variant,
    reason,
    errorCode,
    errorMessage,
    version: flagMetadata.flagSetVersion,
  };
}

/** All flags of a module, each as its newest version declares it. */
export async function listModuleFlags({ db }: ControlDatabase, module: ModuleId): Promise<FeatureFlags> {
  const all = await readAllDefinitions(db, module);
  const kills = await readKills(db, module);
  const flags = new Map<string, FeatureFlag>();
  for (const { version, definitions } of all) {
    for (const definition of definitions) {
      const known = flags.get(definition.key);
      if (known === undefined) flags.set(definition.key, describe(definition, [version], kills));
      else known.versions.push(version);
    }
  }
  return { items: [...flags.values()].sort(byKey), conflicts: [] };
}

/** The flags of one of a tenant's versions, with what the tenant gets and what it set. */
export async function listTenantFlags(
  { db }: ControlDatabase,
  { tenant, module }: { tenant: TenantId; module: ModuleId },
  { versions, set, now }: { versions: readonly Version[]; set: FlagSet; now: number },
): Promise<FeatureFlags> {
  const version = set.metadata.flagSetVersion as Version;
  const kills = await readKills(db, module);
  const overrides = await db
    .selectFrom("flag_overrides")
    .select(["flag", "setting"])
    .where("module", "=", module)
    .where("level", "=", "tenant")
    .where("tenant", "=", tenant)
    .where("version", "=", version)
    .execute();
  const own = new Map(overrides.map(({ flag, setting }) => [flag, setting]));
  const declaring = new Map<string, Version[]>();
  for (const one of versions) {
    for (const { key } of await readFlagDefinitions(db, module, one)) {
      declaring.set(key, [...(declaring.get(key) ?? []), one]);
    }
  }
  const conflicts = await db
    .selectFrom("flag_conflicts")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("version", "in", [...versions])
    .orderBy("flag")
    .execute();
  const items = (await readFlagDefinitions(db, module, version)).map((definition) => ({
    ...describe(definition, declaring.get(definition.key) ?? [version], kills),
    override: { ...own.get(definition.key) },
    result: checkOf(definition.key, set.evaluate(definition.key, { tenant }, now)),
  }));
  return {
    items: items.map((item) => (own.has(item.key) ? item : { ...item, override: null })).sort(byKey),
    conflicts: conflicts.map((row) => ({
      version: row.version,
      flag: row.flag,
      user: row.user_key === "" ? null : row.user_key,
      setting: { ...row.setting },
      reason: row.reason,
    })),
  };
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

async function readKills(db: ControlDatabase["db"], module: ModuleId): Promise<Map<string, Date>> {
  const rows = await db.selectFrom("flag_kills").select(["flag", "since"]).where("module", "=", module).execute();
  return new Map(rows.map(({ flag, since }) => [flag, since]));
}

function describe(definition: FlagDefinition, versions: Version[], kills: ReadonlyMap<string, Date>): FeatureFlag {
  const { key, type, kind, description = null, owner = null, variants, defaultVariant } = definition;
  return {
    key,
    type,
    kind,
    description,
    owner,
    default: variants.get(defaultVariant) ?? null,
    variants: Object.fromEntries(variants),
    versions,
    killedAt: kills.get(key)?.toISOString() ?? null,
    override: null,
    result: null,
  };
}
