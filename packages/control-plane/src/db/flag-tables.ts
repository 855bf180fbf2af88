import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { FlagChangeRecord, FlagFeedChange } from "@aibos/contract";
import type { FlagLevel, FlagRollout, FlagSetting, ModuleId, TenantId, Version } from "@aibos/domain";

/** The tables of feature flags, as Kysely sees them. Their meaning is told in migrations/011_feature_flags.sql and 014_flag_rollouts.sql. */
export interface FlagTables {
  feature_flags: { module: ModuleId; version: Version; key: string; definition: JSONColumnType<FlagSource> };
  flag_overrides: {
    module: ModuleId;
    flag: string;
    level: FlagLevel;
    segment: Generated<string>;
    tenant: Generated<string>;
    user_key: Generated<string>;
    version: Generated<string>;
    setting: JSONColumnType<FlagSetting>;
    updated_at: CreatedAt;
  };
  flag_kills: { module: ModuleId; flag: string; since: CreatedAt };
  flag_segments: { module: ModuleId; name: string; logic: ColumnType<unknown, string, string> };
  flag_conflicts: {
    tenant: TenantId;
    module: ModuleId;
    version: Version;
    flag: string;
    user_key: Generated<string>;
    setting: JSONColumnType<FlagSetting>;
    reason: string;
  };
  flag_head: { one: Generated<boolean>; revision: BigIntColumn };
  flag_changes: {
    revision: BigIntColumn;
    module: ModuleId | null;
    flag: string | null;
    tenant: string | null;
    kind: FlagChangeRecord["kind"];
    before: JSONColumnType<FlagFeedChange[]>;
    after: JSONColumnType<FlagFeedChange[]>;
    reason: string | null;
    author: Generated<string>;
    created_at: CreatedAt;
  };
  flag_keys: {
    id: string;
    digest: string;
    tenant: TenantId;
    module: ModuleId;
    created_at: CreatedAt;
    revoked_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  flag_usage: {
    module: ModuleId;
    flag: string;
    version: string;
    variant: string;
    day: ColumnType<string, string, string>;
    evaluations: BigIntColumn;
    last_at: CreatedAt;
  };
  flag_measurements: {
    at: Date;
    module: ModuleId;
    flag: string;
    is_in: boolean;
    tenant: TenantId;
    version: Version;
    requests: BigIntColumn;
    client_errors: BigIntColumn;
    server_errors: BigIntColumn;
    unreachable: BigIntColumn;
    timeouts: BigIntColumn;
    broken: BigIntColumn;
    clients_gone: BigIntColumn;
    cut: BigIntColumn;
    latency_buckets: number[];
    latency_counts: number[];
  };
}

type CreatedAt = ColumnType<Date, Date | undefined, Date>;
/** int8 columns; the pool's parser gives numbers, which are exact up to 2^53. */
type BigIntColumn = ColumnType<number, number | undefined, number>;

/** A flag that a rollout drives, for everybody or a segment, and the rule that was there before. */
export interface StoredRolledFlag {
  readonly key: string;
  readonly variant: string;
  readonly by: FlagRollout["by"];
  /** Null: everybody. */
  readonly segment: string | null;
  readonly before: FlagSetting | null;
}

/** A flag as a manifest writes it. */
export type FlagSource = Record<string, unknown>;
