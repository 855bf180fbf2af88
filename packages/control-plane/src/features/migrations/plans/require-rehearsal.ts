import { RehearsalRequiredError } from "@aibos/contract";
import type { Version } from "@aibos/domain";
import { readPolicy } from "../../fleet-upgrades/upgrade-policy-read-model.ts";
import type { DecisionFacts } from "./decision.ts";
import { digestsOf } from "./rehearse-plan.ts";

interface Move {
  readonly from: Version;
  readonly to: Version;
  readonly path: readonly Version[];
}

/**
 * What speaks against a move where it must be rehearsed first: asked for by the operation, or by the tenant's policy; the
 * shorter time holds. Undefined when nobody asks, or a rehearsal of the same releases passed in that time.
 */
export async function missingRehearsal(
  facts: DecisionFacts,
  { from, to, path }: Move,
  asked: number | undefined,
): Promise<RehearsalRequiredError | undefined> {
  const { tx, state } = facts;
  const { tenant, module } = state;
  const policy = (await readPolicy(tx.db, tenant, module))?.requireRehearsal ?? undefined;
  const wanted = [asked, policy].filter((seconds) => seconds !== undefined);
  if (wanted.length === 0) return undefined;
  const seconds = Math.min(...wanted);
  const rehearsal = await newestPassed(facts, from, to);
  const missing = (why: string): RehearsalRequiredError =>
    new RehearsalRequiredError({ tenant, module, from, to, seconds, why });
  if (rehearsal === undefined) return missing("none has passed");
  if (rehearsal.ageSeconds > seconds) return missing(`the newest one is ${Math.round(rehearsal.ageSeconds)} s old`);
  const digests = await digestsOf(facts, path);
  const same =
    path.length === Object.keys(rehearsal.digests).length &&
    path.every((version) => rehearsal.digests[version] === digests[version]);
  return same ? undefined : missing("the newest one went another way");
}

async function newestPassed(
  { tx, state: { tenant, module } }: DecisionFacts,
  from: Version,
  to: Version,
): Promise<{ ageSeconds: number; digests: Readonly<Record<string, string>> } | undefined> {
  const { rows } = await tx.client.query<{ age: number; digests: Record<string, string> }>(
    `select extract(epoch from clock_timestamp() - finished_at)::float8 as age, result->'rehearsal'->'digests' as digests
     from aibos.migration_records
     where tenant = $1 and module = $2 and kind = 'rehearse' and status = 'succeeded'
       and from_version = $3 and to_version = $4 and result->'rehearsal'->>'passed' = 'true'
     order by finished_at desc limit 1`,
    [tenant, module, from, to],
  );
  const [row] = rows;
  return row === undefined ? undefined : { ageSeconds: row.age, digests: row.digests };
}
