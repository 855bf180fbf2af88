import { FlagChangeNotFoundError, type FlagChangeRecord, type Page } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import { requireNoFlagRollout } from "../rollouts/active-flag-rollout.ts";
import { applyFlagChanges } from "./apply-flag-changes.ts";
import { lockFlags, publishFlagChanges } from "./publish-flag-changes.ts";

/** Changes of a flag, newest first; those of a tenant's moves are among them. */
export async function readFlagHistory(
  { db }: ControlDatabase,
  { module, flag, tenant }: { module: ModuleId; flag: string; tenant?: TenantId | undefined },
  { after, limit }: { after: Cursor | undefined; limit: number },
): Promise<Page<FlagChangeRecord>> {
  let query = db
    .selectFrom("flag_changes")
    .selectAll()
    .where("module", "=", module)
    .where((eb) => eb.or([eb("flag", "=", flag), eb("after", "@>", JSON.stringify([{ flag }]) as never)]))
    .orderBy("revision", "desc")
    .limit(limit + 1);
  if (tenant !== undefined) query = query.where("tenant", "=", tenant);
  if (after !== undefined) query = query.where("revision", "<", Number(after[0]));
  const rows = await query.execute();
  const page = pageOf(rows, limit, ({ revision }) => [String(revision)]);
  return {
    nextCursor: page.nextCursor,
    items: page.items.map((row) => ({
      revision: row.revision,
      module,
      flag: row.flag,
      kind: row.kind,
      tenant: row.tenant,
      before: row.before,
      after: row.after,
      reason: row.reason,
      author: row.author,
      createdAt: row.created_at.toISOString(),
    })),
  };
}

/** Puts back what was set before a change, as a change of its own. @throws FlagChangeNotFoundError */
export async function revertFlagChange(
  database: ControlDatabase,
  { module, revision, author }: { module: ModuleId; revision: number; author: string },
): Promise<number> {
  return database.transaction(async (tx) => {
    await lockFlags(tx);
    const change = await tx.db
      .selectFrom("flag_changes")
      .selectAll()
      .where("revision", "=", revision)
      .where("module", "=", module)
      .executeTakeFirst();
    // A move is taken back by going back, and a rollout by aborting it.
    if (change === undefined || ["carry", "give-back", "rollout"].includes(change.kind)) {
      throw new FlagChangeNotFoundError(module, revision);
    }
    const { flag, tenant, kind, before: after } = change;
    if (flag !== null && tenant === null && kind === "setting") await requireNoFlagRollout(tx.db, module, flag);
    const before = await applyFlagChanges(tx, module, after);
    return publishFlagChanges(tx, {
      module,
      flag,
      tenant,
      kind,
      before,
      after,
      reason: `revert of ${revision}`,
      author,
    });
  });
}
