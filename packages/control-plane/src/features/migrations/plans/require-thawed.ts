import { FrozenError, type Problem } from "@aibos/contract";
import { freezeAt, type ModuleId, thawsAt, type TenantId } from "@aibos/domain";
import type { Kysely } from "kysely";
import type { ControlTables, OperationRequest } from "../../../db/control-tables.ts";
import { readFreezes } from "../../freezes/freeze-read-model.ts";

interface Pair {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

/** Freezes that begin within so long are told of beforehand. */
const COMING_MS = 86_400_000;

/**
 * What a freeze keeps from beginning: what brings a version, or takes one away. Going back, and copies to go back to,
 * are let through, since a freeze is there to keep users safe.
 */
const FROZEN: ReadonlySet<string> = new Set(["install", "migrate", "side-by-side", "complete"]);

/** The error that a freeze is for an operation that would begin now; undefined when nothing keeps it. */
export async function findFreeze(
  db: Kysely<ControlTables>,
  pair: Pair,
  request: OperationRequest,
  now: number,
): Promise<FrozenError | undefined> {
  const overridden = "overrideFreeze" in request && request.overrideFreeze !== undefined;
  if (overridden || !FROZEN.has(request.kind)) return undefined;
  const freezes = await readFreezes(db, pair, now);
  const on = freezeAt(freezes, now);
  if (on === undefined) return undefined;
  return new FrozenError(pair.tenant, pair.module, { ...on, thaws: thawsAt(freezes, now) });
}

/** For who looks at a move beforehand: what keeps it now, and what will soon. */
export async function freezeProblems(db: Kysely<ControlTables>, pair: Pair, now: number): Promise<Problem[]> {
  const freezes = await readFreezes(db, pair, now);
  const time = (at: number): string => new Date(at).toISOString();
  return freezes
    .filter(({ from }) => from <= now + COMING_MS)
    .map(({ id, from, to, reason }) => ({
      code: "AIBOS_FROZEN",
      severity: from <= now ? "error" : "warning",
      message: `${from <= now ? "Frozen" : `Will be frozen from ${time(from)}`} until ${time(to)}: ${reason}`,
      wayOut:
        `Schedule it for ${time(thawsAt(freezes, Math.max(from, now)))} or later, ` +
        `${id === null ? "take the freeze out of the tenant's upgrade policy" : `end the freeze with "aibos-versions freeze remove ${id}"`}, ` +
        `or go on in spite of it with --override-freeze and a reason.`,
    }));
}
