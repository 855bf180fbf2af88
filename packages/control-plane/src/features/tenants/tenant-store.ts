import { sql } from "kysely";
import { InvalidRequestError, type Tenant, TenantExistsError, TenantNotFoundError } from "@aibos/contract";
import type { TenantId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { isRefusedBy } from "../../db/sqlstates.ts";
import { publishFlagChanges } from "../feature-flags/publish-flag-changes.ts";
import { describeTenant } from "./tenant-read-model.ts";

const MAX_LABELS = 64;

export interface TenantStore {
  /** @throws TenantExistsError */
  create(tenant: { id: TenantId; title: string; labels: Readonly<Record<string, string>> }): Promise<Tenant>;
  /** Sets labels and, where the value is null, takes them away; others stay. @throws TenantNotFoundError */
  label(tenant: TenantId, labels: Readonly<Record<string, string | null>>): Promise<Tenant>;
}

export function createTenantStore(database: ControlDatabase): TenantStore {
  return {
    async create({ id, title, labels }) {
      try {
        const row = await database.db
          .insertInto("tenants")
          .values({ id, title, labels: JSON.stringify(labels) })
          .returningAll()
          .executeTakeFirstOrThrow();
        return describeTenant(row);
      } catch (error) {
        if (isRefusedBy(error, "uniqueViolation", "tenants_pkey")) throw new TenantExistsError(id);
        throw error;
      }
    },

    label: (tenant, labels) =>
      database.transaction(async (tx) => {
        // One statement merges, so that two callers who set different labels at once both get theirs.
        const row = await tx.db
          .updateTable("tenants")
          .set({ labels: sql<string>`jsonb_strip_nulls(labels || ${JSON.stringify(labels)}::jsonb)` })
          .where("id", "=", tenant)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) throw new TenantNotFoundError(tenant);
        const count = Object.keys(row.labels).length;
        if (count > MAX_LABELS) {
          const message = `tenant "${tenant}" would have ${count} labels, and at most ${MAX_LABELS} are allowed`;
          throw new InvalidRequestError([{ path: "", message }]);
        }
        // Rules of flags may ask for labels.
        const known = { kind: "tenant", tenant, labels: row.labels } as const;
        const change = { module: null, flag: null, tenant, kind: "tenant", before: [], after: [known] } as const;
        await publishFlagChanges(tx, change);
        return describeTenant(row);
      }),
  };
}
