import { sql } from "kysely";
import { type Metric, metric, processMetrics } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import { countRollouts } from "../rollouts/rollout-read-model.ts";

/** For Prometheus: how the platform stands. No label names a tenant, and none has more than a handful of values. */
export function createPlatformMetrics({
  database,
  gateways,
}: {
  database: ControlDatabase;
  gateways: Pick<GatewayReadModel, "liveGateways">;
}): () => Promise<Metric[]> {
  const { db } = database;

  async function counts(query: ReturnType<typeof sql<{ label: string; count: number }>>): Promise<Map<string, number>> {
    const { rows } = await query.execute(db);
    return new Map(rows.map(({ label, count }) => [label, count]));
  }

  return async () => {
    const operations = await counts(sql`
      select status as label, count(*) as count from migration_records where finished_at is null group by 1`);
    const deployments = await counts(sql`select state as label, count(*) as count from deployments group by 1`);
    const totals = await counts(sql`
      select 'tenants' as label, count(*) as count from tenants
      union all select 'rollups', count(*) from measurement_rollups
      union all select 'revision', revision from route_head`);
    const byLabel = (name: string, help: string, label: string, values: ReadonlyMap<string, number>): Metric => ({
      name,
      help,
      type: "gauge",
      samples: [...values].map(([text, value]) => ({ labels: { [label]: text }, value })),
    });
    return [
      metric("gauge", "aibos_tenants", "Tenants.", totals.get("tenants") ?? 0),
      byLabel("aibos_operations", "Operations that have not ended, by status.", "status", operations),
      byLabel("aibos_rollouts", "Rollouts that have not ended, by status.", "status", await countRollouts(db)),
      byLabel("aibos_deployments", "Versions that are run, by how they stand.", "state", deployments),
      metric("gauge", "aibos_live_gateways", "Gateways that reported lately.", (await gateways.liveGateways()).length),
      metric("gauge", "aibos_route_revision", "Newest revision of the routes.", totals.get("revision") ?? 0),
      metric(
        "gauge",
        "aibos_measurement_rollups_pending",
        "Minutes and hours of modules that are not summed up yet.",
        totals.get("rollups") ?? 0,
      ),
      ...processMetrics(process),
    ];
  };
}
