import { type ModuleId, SLOTS, type TenantId, type Version } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { StoredRouteChange } from "../../db/control-tables.ts";
import { findTenantModule } from "../instances/tenant-module-read-model.ts";
import { lockTenantModule } from "../migrations/fence.ts";
import { publishRouteChanges } from "../route-feed/publish-route-changes.ts";
import { readTenantRoute } from "../route-feed/read-tenant-route.ts";
import { leavingOf, setLeaving, type Stickiness } from "../routing/leaving-users.ts";
import { setInstances, setWeights } from "../routing/tenant-routing.ts";

/** Two live versions of a module, between which traffic is shared. */
export interface VersionPair {
  readonly module: ModuleId;
  readonly oldVersion: Version;
  readonly newVersion: Version;
}

/** Users who stay on the version that they have, though it loses them now (milliseconds since the epoch). */
export type Stay = Stickiness & { readonly now: number };

/** What came of sharing one tenant's traffic: `busy`: an operation runs; `gone`: one of the versions is not live. */
export type SharedTenant = "shared" | "busy" | "gone";

/**
 * Gives the new version a share of what both versions have together, for several tenants at once: gateways get it as one
 * revision when the transaction commits. Each tenant is taken behind its fence, in the order of their names.
 *
 * @param weight in 1/10,000
 * @param stay what becomes of users whom a version loses; they move at once unless told
 */
export async function shareTraffic(
  tx: ControlTransaction,
  pair: VersionPair,
  tenants: readonly TenantId[],
  weight: number,
  stay?: Stay,
): Promise<Map<TenantId, SharedTenant>> {
  const shared = new Map<TenantId, SharedTenant>();
  for (const tenant of tenants.toSorted()) {
    shared.set(tenant, await shareOne(tx, pair, tenant, weight, stay));
  }
  const changed = [...shared].flatMap(([tenant, outcome]) => (outcome === "shared" ? [tenant] : []));
  if (changed.length > 0) {
    const { module } = pair;
    await publishRouteChanges(tx, async () => {
      const changes: StoredRouteChange[] = [];
      for (const tenant of changed) {
        changes.push({ kind: "route", tenant, module, route: await readTenantRoute(tx.db, tenant, module) });
      }
      return changes;
    });
  }
  return shared;
}

async function shareOne(
  tx: ControlTransaction,
  { module, oldVersion, newVersion }: VersionPair,
  tenant: TenantId,
  weight: number,
  stay: Stay | undefined,
): Promise<SharedTenant> {
  // An operation keeps the fence for as long as a step of it takes: nobody waits for that here.
  const held = await tx.db
    .selectFrom("tenant_modules")
    .select("migration_id")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .executeTakeFirst();
  if (held?.migration_id != null) return "busy";
  const locked = await lockTenantModule(tx, { tenant, module });
  if (locked === undefined) return "gone";
  if (locked.migrationId !== null) return "busy";
  const state = await findTenantModule(tx.db, tenant, module);
  const weights = Object.fromEntries(state?.live.map((instance) => [instance.version, instance.weight]) ?? []);
  const [old, fresh] = [weights[oldVersion], weights[newVersion]];
  if (state === undefined || old === undefined || fresh === undefined) return "gone";
  weights[newVersion] = Math.round(((old + fresh) * weight) / SLOTS);
  weights[oldVersion] = old + fresh - weights[newVersion];
  await setWeights(tx, state, weights);
  await setInstances(
    tx,
    state,
    Object.fromEntries(
      state.live.map(({ version, dataVersion }) => [
        version,
        { status: (weights[version] ?? 0) > 0 ? "active" : "standby", dataVersion },
      ]),
    ),
  );
  await setLeaving(tx, state, stay === undefined ? null : leavingOf(state, stay, stay.now));
  return "shared";
}
