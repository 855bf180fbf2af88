import { type Kysely, sql } from "kysely";
import { FlagRolloutActiveError } from "@aibos/contract";
import type { ModuleId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

/** The caller holds the flags' lock, as whoever starts a rollout of a flag does. @throws FlagRolloutActiveError */
export async function requireNoFlagRollout(db: Kysely<ControlTables>, module: ModuleId, flag: string): Promise<void> {
  const active = await db
    .selectFrom("rollouts")
    .select("id")
    .where("module", "=", module)
    .where(sql<boolean>`flag ->> 'key' = ${flag}`)
    .where("finished_at", "is", null)
    .executeTakeFirst();
  if (active !== undefined) throw new FlagRolloutActiveError(module, flag, active.id);
}
