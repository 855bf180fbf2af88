import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import type { FlagFeedChange } from "@aibos/contract";
import type { FlagScope, ModuleId } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";

/** Writes changes to the tables. Resolves to what takes them back. The caller holds the flags' lock. */
export async function applyFlagChanges(
  tx: ControlTransaction,
  module: ModuleId,
  changes: readonly FlagFeedChange[],
): Promise<FlagFeedChange[]> {
  const before: FlagFeedChange[] = [];
  for (const change of changes) before.push(await applyOne(tx, module, change));
  return before.toReversed();
}

async function applyOne(tx: ControlTransaction, module: ModuleId, change: FlagFeedChange): Promise<FlagFeedChange> {
  switch (change.kind) {
    case "setting":
      return applySetting(tx, module, change);
    case "kill":
      return applyKill(tx, module, change);
    case "segment":
      return applySegment(tx, module, change);
    case "tenant":
      throw new RangeError("What is known of a tenant is not changed here.");
  }
}

type SettingChange = Extract<FlagFeedChange, { kind: "setting" }>;

/** Where a setting is kept. */
export function overrideKey(module: ModuleId, flag: string, scope: FlagScope, version: string | null) {
  return {
    module,
    flag,
    level: scope.level,
    segment: scope.level === "segment" ? scope.segment : "",
    tenant: "tenant" in scope ? scope.tenant : "",
    user_key: scope.level === "user" ? scope.user : "",
    version: version ?? "",
  };
}

async function applySetting(
  { db }: ControlTransaction,
  module: ModuleId,
  change: SettingChange,
): Promise<SettingChange> {
  const key = overrideKey(module, change.flag, change.scope, change.version);
  const isIt = (eb: ExpressionBuilder<ControlTables, "flag_overrides">): Expression<SqlBool> => eb.and(key);
  const known = await db.selectFrom("flag_overrides").select("setting").where(isIt).executeTakeFirst();
  if (change.setting === null) {
    await db.deleteFrom("flag_overrides").where(isIt).execute();
  } else {
    const setting = JSON.stringify(change.setting);
    await db
      .insertInto("flag_overrides")
      .values({ ...key, setting })
      .onConflict((conflict) =>
        conflict
          .columns(["module", "flag", "level", "segment", "tenant", "user_key", "version"])
          .doUpdateSet({ setting, updated_at: new Date() }),
      )
      .execute();
  }
  return { ...change, setting: known?.setting ?? null };
}

async function applyKill(
  { db }: ControlTransaction,
  module: ModuleId,
  change: Extract<FlagFeedChange, { kind: "kill" }>,
): Promise<FlagFeedChange> {
  const { flag, killed } = change;
  const known = await db
    .selectFrom("flag_kills")
    .select("flag")
    .where("module", "=", module)
    .where("flag", "=", flag)
    .executeTakeFirst();
  if (killed) {
    await db
      .insertInto("flag_kills")
      .values({ module, flag })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  } else {
    await db.deleteFrom("flag_kills").where("module", "=", module).where("flag", "=", flag).execute();
  }
  return { kind: "kill", flag, killed: known !== undefined };
}

async function applySegment(
  { db }: ControlTransaction,
  module: ModuleId,
  change: Extract<FlagFeedChange, { kind: "segment" }>,
): Promise<FlagFeedChange> {
  const { segment: name, when } = change;
  const known = await db
    .selectFrom("flag_segments")
    .select("logic")
    .where("module", "=", module)
    .where("name", "=", name)
    .executeTakeFirst();
  if (when === null || when === undefined) {
    await db.deleteFrom("flag_segments").where("module", "=", module).where("name", "=", name).execute();
  } else {
    const logic = JSON.stringify(when);
    await db
      .insertInto("flag_segments")
      .values({ module, name, logic })
      .onConflict((conflict) => conflict.columns(["module", "name"]).doUpdateSet({ logic }))
      .execute();
  }
  return { kind: "segment", segment: name, when: known?.logic ?? null };
}
