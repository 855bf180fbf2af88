import { flagValueProblem, type FlagFeedChange } from "@aibos/contract";
import {
  carrySetting,
  type FlagDefinition,
  type FlagSetting,
  type ModuleId,
  type TenantId,
  type Version,
} from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import { applyFlagChanges } from "./apply-flag-changes.ts";
import { readFlagDefinitions, scopeOf } from "./flag-read-model.ts";
import { lockFlags, publishFlagChanges } from "./publish-flag-changes.ts";

interface Move {
  readonly tenant: TenantId;
  readonly module: ModuleId;
  readonly from: Version;
  readonly to: Version;
  /** Releases on the way, oldest first. */
  readonly between?: readonly Version[] | undefined;
}

/** What became of a tenant's overrides, for the ledger, and what puts the version's back as they were. */
export interface CarriedFlags {
  readonly kept: number;
  readonly renamed: string[];
  readonly converted: string[];
  readonly conflicts: { flag: string; user?: string; reason: string }[];
  readonly before: FlagFeedChange[];
}

/** What is to be done with a tenant's overrides. */
interface FlagPlan {
  readonly outcome: Omit<CarriedFlags, "before">;
  readonly changes: readonly FlagFeedChange[];
  readonly lost: readonly { flag: string; user: string; setting: FlagSetting; reason: string }[];
}

/** What would become of a tenant's overrides of one version at another one, as that declares its flags. */
export async function planCarriedFlags(
  { db }: Pick<ControlTransaction, "db">,
  { tenant, module, from, to, between = [] }: Move,
): Promise<FlagPlan> {
  const old = await readFlagDefinitions(db, module, from);
  const declared = await readFlagDefinitions(db, module, to);
  const onTheWay: FlagDefinition[][] = [];
  for (const version of between) onTheWay.push(await readFlagDefinitions(db, module, version));
  const target = { to: declared, between: onTheWay, valueProblem: flagValueProblem };
  const rows = await db
    .selectFrom("flag_overrides")
    .selectAll()
    .where("module", "=", module)
    .where("tenant", "=", tenant)
    .where("version", "in", [from, to])
    .orderBy("flag")
    .orderBy("user_key")
    .execute();
  const outcome: FlagPlan["outcome"] & { kept: number } = { kept: 0, renamed: [], converted: [], conflicts: [] };
  const lost: { flag: string; user: string; setting: FlagSetting; reason: string }[] = [];
  const changes = new Map<string, FlagFeedChange>();
  const put = (change: Extract<FlagFeedChange, { kind: "setting" }>): void => {
    changes.set(JSON.stringify([change.flag, change.scope]), change);
  };
  for (const row of rows.filter(({ version }) => version === to)) {
    put({ kind: "setting", flag: row.flag, scope: scopeOf(row), version: to, setting: null });
  }
  for (const row of rows.filter(({ version }) => version === from)) {
    const definition = old.find(({ key }) => key === row.flag);
    if (definition === undefined) continue;
    const carried = carrySetting(definition, row.setting, target);
    if ("conflict" in carried) {
      outcome.conflicts.push({ flag: row.flag, ...ofUser(row.user_key), reason: carried.conflict });
      lost.push({ flag: row.flag, user: row.user_key, setting: row.setting, reason: carried.conflict });
      continue;
    }
    if (carried.how === "kept") outcome.kept += 1;
    else
      outcome[carried.how].push(`${row.flag} → ${carried.flag}${row.user_key === "" ? "" : ` (user ${row.user_key})`}`);
    put({ kind: "setting", flag: carried.flag, scope: scopeOf(row), version: to, setting: carried.setting });
  }
  return { outcome, changes: [...changes.values()], lost };
}

/**
 * Gives a tenant's overrides of one version to another one, as that declares its flags. The other version's own are
 * replaced; this version's stay as they are, and are there again when the tenant comes back.
 */
export async function carryFlags(tx: ControlTransaction, move: Move): Promise<CarriedFlags> {
  const { tenant, module, from, to } = move;
  await lockFlags(tx);
  await forgetConflicts(tx, { tenant, module, to });
  const { outcome, changes, lost } = await planCarriedFlags(tx, move);
  for (const { flag, user, setting, reason } of lost) {
    await tx.db
      .insertInto("flag_conflicts")
      .values({ tenant, module, version: to, flag, user_key: user, setting: JSON.stringify(setting), reason })
      .execute();
  }
  const before = await applyFlagChanges(tx, module, changes);
  if (changes.length > 0) {
    await publishFlagChanges(tx, {
      module,
      flag: null,
      tenant,
      kind: "carry",
      author: "upgrade",
      before,
      after: changes,
      reason: `moving from ${from} to ${to}`,
    });
  }
  return { ...outcome, before };
}

function ofUser(key: string): { user?: string } {
  return key === "" ? {} : { user: key };
}

/** Puts a version's overrides back as they were before {@link carryFlags}. */
export async function giveFlagsBack(
  tx: ControlTransaction,
  { tenant, module, from, to }: Move,
  before: readonly FlagFeedChange[],
): Promise<void> {
  await lockFlags(tx);
  await forgetConflicts(tx, { tenant, module, to });
  if (before.length === 0) return;
  const undone = await applyFlagChanges(tx, module, before);
  await publishFlagChanges(tx, {
    module,
    flag: null,
    tenant,
    kind: "give-back",
    author: "upgrade",
    before: undone,
    after: before,
    reason: `the move from ${from} to ${to} was undone`,
  });
}

async function forgetConflicts(
  { db }: ControlTransaction,
  { tenant, module, to }: Pick<Move, "tenant" | "module" | "to">,
): Promise<void> {
  await db
    .deleteFrom("flag_conflicts")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("version", "=", to)
    .execute();
}
