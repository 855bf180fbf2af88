import type { Kysely } from "kysely";
import { type RetentionPolicy, retentionPolicySchema, type ShownRetentionPolicy } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

type Db = Kysely<ControlTables>;

export const DEFAULT_RETENTION: RetentionPolicy = retentionPolicySchema.parse({});

/** The policy that holds for a tenant's module; without a tenant, for those that have none of their own. */
export async function readRetention(
  db: Db,
  module: ModuleId,
  tenant: TenantId | undefined,
): Promise<ShownRetentionPolicy> {
  const rows = await db
    .selectFrom("retention_policies")
    .select(["tenant", "policy"])
    .where("module", "=", module)
    .where("tenant", "in", tenant === undefined ? [""] : ["", tenant])
    .orderBy("tenant", "desc")
    .execute();
  const [row] = rows;
  if (row === undefined) return { policy: DEFAULT_RETENTION, source: "default" };
  return { policy: row.policy, source: row.tenant === "" ? "module" : "tenant" };
}

/** Null takes the policy away. */
export async function writeRetention(
  db: Db,
  { module, tenant }: { module: ModuleId; tenant: TenantId | undefined },
  policy: RetentionPolicy | null,
): Promise<void> {
  if (policy === null) {
    await db
      .deleteFrom("retention_policies")
      .where("module", "=", module)
      .where("tenant", "=", tenant ?? "")
      .execute();
    return;
  }
  const text = JSON.stringify(policy);
  await db
    .insertInto("retention_policies")
    .values({ module, tenant: tenant ?? "", policy: text })
    .onConflict((clash) => clash.columns(["module", "tenant"]).doUpdateSet({ policy: text }))
    .execute();
}
