import type { Kysely } from "kysely";
import type { ShownUpgradePolicy, StoredUpgradePolicy } from "@aibos/contract";
import { type ModuleId, OPEN_POLICY, type TenantId, type UpgradePolicy, type Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";

export async function readPolicy(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  module: ModuleId,
): Promise<StoredUpgradePolicy | undefined> {
  const row = await db
    .selectFrom("upgrade_policies")
    .select("policy")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .executeTakeFirst();
  return row?.policy;
}

/** As decisions need it: times in milliseconds since the epoch. */
export function policyOf(stored: StoredUpgradePolicy | undefined): UpgradePolicy {
  if (stored === undefined) return OPEN_POLICY;
  const { automatic, window, deferUntil, freezes } = stored;
  return {
    automatic,
    window,
    deferUntil: deferUntil === null ? null : Date.parse(deferUntil),
    freezes: freezes.map(({ from, to, reason }) => ({ from: Date.parse(from), to: Date.parse(to), reason })),
  };
}

/** Versions that a tenant agreed to be moved to. */
export async function readConsents(db: Kysely<ControlTables>, tenant: TenantId, module: ModuleId): Promise<Version[]> {
  const rows = await db
    .selectFrom("upgrade_consents")
    .select("version")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .orderBy("given_at")
    .execute();
  return rows.map(({ version }) => version);
}

/** For the API: without the secret. */
export async function showPolicy(
  db: Kysely<ControlTables>,
  tenant: TenantId,
  module: ModuleId,
): Promise<ShownUpgradePolicy> {
  const stored = await readPolicy(db, tenant, module);
  const consents = await readConsents(db, tenant, module);
  const { automatic, window, freezes } = stored ?? OPEN_POLICY;
  return {
    automatic,
    window: window === null ? null : { ...window, days: [...window.days] },
    deferUntil: stored?.deferUntil ?? null,
    freezes: stored === undefined ? [] : [...(freezes as typeof stored.freezes)],
    requireRehearsal: stored?.requireRehearsal ?? null,
    notices: stored?.notices == null ? null : { url: stored.notices.url },
    consents,
  };
}
