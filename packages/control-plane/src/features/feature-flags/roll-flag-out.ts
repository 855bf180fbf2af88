import { type FlagFeedChange, FlagsInvalidError } from "@aibos/contract";
import { type FlagRollout, type FlagScope, type FlagSetting, type ModuleId, onVariant } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { StoredRolledFlag } from "../../db/flag-tables.ts";
import { applyFlagChanges, overrideKey } from "./apply-flag-changes.ts";
import { readConcerned, readFlagDefinitions } from "./flag-read-model.ts";
import { lockFlags, publishFlagChanges } from "./publish-flag-changes.ts";

/** The rule for everybody, or for a segment, is the rollout's until it ends. */
export type RolledFlag = StoredRolledFlag;

/** What a rollout of a flag is asked to do. */
export interface FlagToRollOut {
  readonly module: ModuleId;
  readonly flag: string;
  readonly variant?: string | undefined;
  readonly by: FlagRollout["by"];
  readonly segment?: string | undefined;
}

/**
 * What a rollout would drive, and the share of users who have the variant by the rule that is there.
 *
 * @throws FlagNotFoundError, FlagsInvalidError
 */
export async function prepareFlagRollout(
  tx: ControlTransaction,
  { module, flag, variant, by, segment }: FlagToRollOut,
): Promise<{ rolled: RolledFlag; share: number }> {
  await lockFlags(tx);
  const refuse = (message: string): never => {
    throw new FlagsInvalidError(`module "${module}"`, [{ flag, message }]);
  };
  let chosen = variant;
  for (const version of await readConcerned(tx, module, flag)) {
    const definition = (await readFlagDefinitions(tx.db, module, version)).find(({ key }) => key === flag);
    if (definition === undefined) continue;
    chosen ??= onVariant(definition);
    if (chosen === undefined) return refuse("needs a variant to roll out: it is no boolean");
    if (!definition.variants.has(chosen)) {
      return refuse(`(${version}) has no variant "${chosen}"; it has ${[...definition.variants.keys()].join(", ")}`);
    }
  }
  const killed = await tx.db
    .selectFrom("flag_kills")
    .select("flag")
    .where("module", "=", module)
    .where("flag", "=", flag)
    .executeTakeFirst();
  if (killed !== undefined) return refuse(`is killed; end that first: "aibos-versions flags kill ${flag} --end"`);
  const before = await readRule(tx, module, flag, segment ?? null);
  if (before?.from !== undefined || before?.until !== undefined || typeof before?.rollout?.percent === "object") {
    return refuse("has a rule with times of its own; clear it first, so that one of the two drives the flag");
  }
  const rolled = { key: flag, variant: chosen ?? "on", by, segment: segment ?? null, before };
  const isSame = before?.rollout?.variant === rolled.variant && before.rollout.seed === undefined;
  return { rolled, share: isSame && typeof before.rollout?.percent === "number" ? before.rollout.percent : 0 };
}

/**
 * Gives the variant to a share of the users, in percent; `all` to everybody from now on; or puts the rule of before back.
 * The caller's transaction has whatever led to it.
 */
export async function setFlagShare(
  tx: ControlTransaction,
  module: ModuleId,
  rolled: RolledFlag,
  { share, reason, author }: { share: number | "all" | "before"; reason: string; author: string },
): Promise<void> {
  await lockFlags(tx);
  const { key: flag } = rolled;
  const after: FlagFeedChange[] = [
    { kind: "setting", flag, scope: scopeOfRolled(rolled.segment), version: null, setting: settingFor(rolled, share) },
  ];
  const before = await applyFlagChanges(tx, module, after);
  await publishFlagChanges(tx, { module, flag, tenant: null, kind: "rollout", before, after, reason, author });
}

function settingFor({ variant, by, before }: RolledFlag, share: number | "all" | "before"): FlagSetting | null {
  if (share === "before") return before;
  // Whom targeting gives a value has it whatever the rollout does.
  const targeting = before?.targeting === undefined ? {} : { targeting: before.targeting };
  if (share === "all") return { ...targeting, variant };
  const { rollout: _, ...rest } = before ?? {};
  return { ...rest, rollout: { variant, by, percent: share, guarded: true } };
}

async function readRule(
  { db }: ControlTransaction,
  module: ModuleId,
  flag: string,
  segment: string | null,
): Promise<FlagSetting | null> {
  const key = overrideKey(module, flag, scopeOfRolled(segment), null);
  const row = await db
    .selectFrom("flag_overrides")
    .select("setting")
    .where((eb) => eb.and(key))
    .executeTakeFirst();
  return row?.setting ?? null;
}

function scopeOfRolled(segment: string | null): FlagScope {
  return segment === null ? { level: "module" } : { level: "segment", segment };
}
