import type { Client } from "pg";
import { MODULE, NEW } from "./steady-module.ts";

/** A rollout of one tenant as the database has it. */
export interface RolloutFacts {
  readonly outcome: string | null;
  readonly reason: string;
  readonly tenantStatus: string;
  /** Shares in 1/10,000 by version. */
  readonly weights: Readonly<Record<string, number>>;
  /** The new version's shares as gateways were told them, one after the other, since the rollout began. */
  readonly moves: readonly number[];
  /** When its failing verdicts were given, in milliseconds of the machine's clock. */
  readonly failedAt: readonly number[];
  /** Verdicts of the same rollout at the same moment: a look that counted twice. */
  readonly repeatedVerdicts: number;
}

export async function readRolloutFacts(client: Client, id: string): Promise<RolloutFacts> {
  const { rows } = await client.query<{
    outcome: string | null;
    reason: string;
    status: string;
    weights: Record<string, number>;
    moves: number[];
    failed_at: Date[];
    repeated: number;
  }>(
    `select r.state ->> 'outcome' as outcome, r.state ->> 'reason' as reason, t.status,
       (select jsonb_object_agg(version, weight) from aibos.version_routing v
        where (v.tenant, v.module) = (t.tenant, t.module)) as weights,
       array(select coalesce((select (w ->> 'weight')::integer
                 from jsonb_array_elements(change -> 'route' -> 'versions') as w where w ->> 'version' = $2), 0)
             from aibos.route_changes c, jsonb_array_elements(c.changes) as change
             where change ->> 'kind' = 'route' and change ->> 'tenant' = t.tenant and change ->> 'module' = $3
               and c.created_at >= r.created_at
             order by c.revision) as moves,
       array(select at from aibos.rollout_verdicts v where v.rollout_id = r.id and verdict = 'fail' order by at)
         as failed_at,
       (select count(*)::integer - count(distinct at)::integer from aibos.rollout_verdicts v where v.rollout_id = r.id)
         as repeated
     from aibos.rollouts r join aibos.rollout_tenants t on t.rollout_id = r.id where r.id = $1`,
    [id, NEW, MODULE],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`There is no rollout ${id}.`);
  return {
    outcome: row.outcome,
    reason: row.reason,
    tenantStatus: row.status,
    weights: row.weights,
    moves: row.moves,
    failedAt: row.failed_at.map((at) => at.getTime()),
    repeatedVerdicts: row.repeated,
  };
}
