import { sql } from "kysely";
import type { FlagChangeRecord, FlagFeedChange } from "@aibos/contract";
import type { ModuleId } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";

/** Changes that belong together: one entry of the history. */
export interface FlagChangeSet {
  readonly module: ModuleId | null;
  readonly flag: string | null;
  readonly tenant: string | null;
  readonly kind: FlagChangeRecord["kind"];
  readonly before: readonly FlagFeedChange[];
  readonly after: readonly FlagFeedChange[];
  readonly reason?: string | undefined;
  /** Who does it, or what does it by itself; an operator unless told. */
  readonly author?: string | undefined;
}

/** From here to the commit other writers of flags wait. Taken before anything is read that the change is made of. */
export async function lockFlags({ db }: ControlTransaction): Promise<void> {
  await db.selectFrom("flag_head").select("revision").forUpdate().execute();
}

/** Adds one revision, in the caller's transaction: evaluators learn of it if and when it commits. */
export async function publishFlagChanges({ db }: ControlTransaction, change: FlagChangeSet): Promise<number> {
  const { revision } = await db
    .updateTable("flag_head")
    .set((eb) => ({ revision: eb("revision", "+", 1) }))
    .returning("revision")
    .executeTakeFirstOrThrow();
  const { module, flag, tenant, kind, before, after, author = "operator", reason = null } = change;
  await db
    .insertInto("flag_changes")
    .values({
      revision,
      module,
      flag,
      tenant,
      kind,
      reason,
      author,
      before: JSON.stringify(before),
      after: JSON.stringify(after),
    })
    .execute();
  await sql`select pg_notify('aibos_flags', ${String(revision)})`.execute(db);
  return revision;
}
