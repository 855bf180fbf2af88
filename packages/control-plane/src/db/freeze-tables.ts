import type { ColumnType } from "kysely";
import type { ModuleId, TenantId } from "@aibos/domain";

/** Of times in which nothing may change, as Kysely sees them. */
export interface FreezeTables {
  freezes: {
    id: string;
    tenant: TenantId | null;
    module: ModuleId | null;
    starts_at: Date;
    ends_at: Date;
    time_zone: string;
    reason: string;
    created_at: ColumnType<Date, Date | undefined, Date>;
    removed_at: ColumnType<Date | null, undefined, Date>;
  };
}
