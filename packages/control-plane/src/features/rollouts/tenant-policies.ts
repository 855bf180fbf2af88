import { type RolloutPolicy, RolloutPolicyInvalidError } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";

/** What each of the tenants says of its rollouts itself. */
export async function readTenantPolicies(
  { db }: ControlTransaction,
  tenants: readonly TenantId[],
  module: ModuleId,
): Promise<Map<TenantId, Partial<RolloutPolicy>>> {
  const rows = await db
    .selectFrom("rollout_policies")
    .select(["tenant", "policy"])
    .where("tenant", "in", [...tenants])
    .where("module", "=", module)
    .orderBy("tenant")
    .execute();
  return new Map(tenants.map((tenant) => [tenant, rows.find((row) => row.tenant === tenant)?.policy ?? {}]));
}

/** Replaces what a tenant says; without any field, it says nothing any more. */
export async function writeTenantPolicy(
  { db }: ControlTransaction,
  { tenant, module }: { readonly tenant: TenantId; readonly module: ModuleId },
  policy: Partial<RolloutPolicy>,
): Promise<void> {
  if (Object.keys(policy).length === 0) {
    await db.deleteFrom("rollout_policies").where("tenant", "=", tenant).where("module", "=", module).execute();
    return;
  }
  const stored = JSON.stringify(policy);
  await db
    .insertInto("rollout_policies")
    .values({ tenant, module, policy: stored })
    .onConflict((conflict) => conflict.columns(["tenant", "module"]).doUpdateSet({ policy: stored }))
    .execute();
}

/**
 * What all tenants of one rollout say alike. Fields that the rollout says itself are no matter.
 *
 * @throws RolloutPolicyInvalidError when two of them want another course: one rollout has one
 */
export function commonPolicy(
  policies: ReadonlyMap<TenantId, Partial<RolloutPolicy>>,
  rollout: Partial<RolloutPolicy>,
): Partial<RolloutPolicy> {
  const [first, ...others] = [...policies].map(([tenant, policy]) => ({ tenant, fields: fieldsOf(policy, rollout) }));
  if (first === undefined) return {};
  for (const { tenant, fields } of others) {
    const names = new Set([...first.fields.keys(), ...fields.keys()]);
    const apart = [...names].filter((name) => first.fields.get(name) !== fields.get(name));
    if (apart.length === 0) continue;
    throw new RolloutPolicyInvalidError(
      apart.map((name) => ({
        path: [name],
        message: `is not the same for ${first.tenant} and ${tenant}: start them apart, or say it for this rollout`,
      })),
    );
  }
  return policies.get(first.tenant) ?? {};
}

/** Each field that the rollout leaves to the tenant, as text that is the same for the same meaning. */
function fieldsOf(policy: Partial<RolloutPolicy>, rollout: Partial<RolloutPolicy>): Map<string, string> {
  const own = Object.entries(policy).filter(([name]) => !Object.hasOwn(rollout, name));
  return new Map(own.map(([name, value]) => [name, JSON.stringify(value)]));
}
