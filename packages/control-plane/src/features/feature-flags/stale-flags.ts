import type { StaleFlags } from "@aibos/contract";
import { type FlagDefinition, type FlagSetting, isSameFlagValue, type ModuleId, staleReasons } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readAllDefinitions } from "./flag-read-model.ts";

/** Flags of a module that should go, or have overrides that should. */
export async function findStaleFlags({ db }: ControlDatabase, module: ModuleId, now: number): Promise<StaleFlags> {
  const all = await readAllDefinitions(db, module);
  const used = await db
    .selectFrom("flag_usage")
    .select((eb) => ["flag", eb.fn.max("last_at").as("last")])
    .where("module", "=", module)
    .groupBy("flag")
    .execute();
  const lastUse = new Map(used.map(({ flag, last }) => [flag, last.getTime()]));
  const settings = await db.selectFrom("flag_overrides").selectAll().where("module", "=", module).execute();

  const newest = new Map<string, FlagDefinition>();
  const since = new Map<string, number>();
  for (const { publishedAt, definitions } of all) {
    for (const definition of definitions) {
      if (!newest.has(definition.key)) newest.set(definition.key, definition);
      since.set(definition.key, Math.min(since.get(definition.key) ?? Infinity, publishedAt.getTime()));
    }
  }
  const items = [...newest.values()].flatMap((definition) => {
    const mine = settings.filter(({ flag }) => flag === definition.key);
    const everybody = mine.find(({ level }) => level === "module");
    const rolledOut =
      everybody !== undefined && isForEverybody(everybody.setting, now) ? everybody.updated_at.getTime() : null;
    return staleReasons(
      {
        definition,
        since: since.get(definition.key) ?? now,
        lastEvaluated: lastUse.get(definition.key) ?? null,
        fullyRolledOutSince: rolledOut ?? definedForEverybody(definition, since.get(definition.key) ?? now, now),
        redundantOverrides: mine.filter(({ level, setting }) => level !== "module" && saysDefault(definition, setting))
          .length,
      },
      now,
    );
  });
  return { items: items.sort((a, b) => (a.flag < b.flag ? -1 : 1)) };
}

/** A rule that gives everybody one thing, now and from now on. */
function isForEverybody({ targeting, rollout, from, until, value, variant }: FlagSetting, now: number): boolean {
  if (targeting !== undefined || until !== undefined || (from !== undefined && from > now)) return false;
  if (rollout !== undefined) return isWhole(rollout.percent, now);
  return value !== undefined || variant !== undefined;
}

function definedForEverybody({ rollout, targeting }: FlagDefinition, since: number, now: number): number | null {
  if (rollout === undefined || targeting !== undefined || !isWhole(rollout.percent, now)) return null;
  return typeof rollout.percent === "number" ? since : rollout.percent.end;
}

function isWhole(percent: number | { to: number; end: number }, now: number): boolean {
  return typeof percent === "number" ? percent === 100 : percent.to === 100 && percent.end <= now;
}

function saysDefault({ variants, defaultVariant }: FlagDefinition, { value, variant, ...rules }: FlagSetting): boolean {
  if (rules.rollout !== undefined || rules.targeting !== undefined) return false;
  return variant === undefined
    ? value !== undefined && isSameFlagValue(value, variants.get(defaultVariant))
    : variant === defaultVariant;
}
