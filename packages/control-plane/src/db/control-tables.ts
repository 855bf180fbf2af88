import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type {
  EjectedUpstream,
  FeedPolicy,
  FleetMemberStatus,
  LogLine,
  FleetUpgradeOptions,
  MigrationKind,
  MigrationStatus,
  MigrationStep,
  ModuleManifest,
  RehearsalReport,
  Operation,
  RetentionPolicy,
  RolloutPolicy,
  RouteChange,
  DiscardedValues,
  StoredUpgradePolicy,
  TableWrites,
} from "@aibos/contract";
import type {
  FleetEvidence,
  FleetState,
  Judgement,
  ModuleId,
  PlannedWave,
  RolloutEvidence,
  RolloutState,
  TenantId,
  Verdict,
  Version,
} from "@aibos/domain";
import type { WriteBaseline } from "@aibos/tenant-data";
import type { Belongings } from "./stored-belongings.ts";
import type { CustomizationTables } from "./customization-tables.ts";
import type { FreezeTables } from "./freeze-tables.ts";
import type { FlagTables, StoredRolledFlag } from "./flag-tables.ts";

/** The tables of schema `aibos`, as Kysely sees them. Their meaning is told in migrations/*.sql. */
export interface ControlTables extends CustomizationTables, FlagTables, FreezeTables {
  installation: { one: Generated<boolean>; id: string; secret: string; feed: string; created_at: CreatedAt };
  data_stores: { name: string; url: string | null; created_at: CreatedAt };
  modules: { id: ModuleId; title: string; created_at: CreatedAt };
  artifacts: {
    digest: string;
    /** Null when it was removed. */
    content: Buffer | null;
    removed_at: ColumnType<Date | null, undefined, Date | null>;
    created_at: CreatedAt;
  };
  module_versions: {
    module: ModuleId;
    version: Version;
    sort_key: string;
    title: string;
    manifest: JSONColumnType<ModuleManifest>;
    digest: string;
    size_bytes: BigIntColumn;
    migrations: JSONColumnType<ReleaseMigration[]>;
    external_url: string | null;
    published_at: CreatedAt;
  };
  tenants: {
    id: TenantId;
    title: string;
    labels: JSONColumnType<Record<string, string>>;
    state: Generated<"active" | "suspended">;
    data_store: Generated<string>;
    created_at: CreatedAt;
  };
  migration_records: {
    id: string;
    tenant: TenantId;
    module: ModuleId;
    kind: MigrationKind;
    from_version: Version | null;
    to_version: Version | null;
    path: ColumnType<Version[], readonly Version[] | undefined, readonly Version[]>;
    status: MigrationStatus;
    request: JSONColumnType<OperationRequest>;
    plan: ColumnType<PlannedStep[], string | undefined, string>;
    failure: ColumnType<MigrationFailure | null, string | null | undefined, string | null>;
    result: ColumnType<MigrationResult, string | undefined, string>;
    fleet_upgrade_id: ColumnType<string | null, string | null | undefined, never>;
    scheduled_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
    wanted: ColumnType<"pause" | "cancel" | null, "pause" | "cancel" | null | undefined, "pause" | "cancel" | null>;
    follows: ColumnType<string | null, string | null | undefined, never>;
    created_at: CreatedAt;
    started_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
    finished_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  migration_steps: {
    migration_id: string;
    position: number;
    name: string;
    title: string;
    status: MigrationStep["status"];
    checksum: string | null;
    detail: ColumnType<Record<string, unknown>, string | undefined, string>;
    error: string | null;
    started_at: CreatedAt;
    finished_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  migration_log: {
    migration_id: string;
    number: ColumnType<number, never, never>;
    at: CreatedAt;
    step: string;
    kind: LogLine["kind"];
    text: string;
    ms: number | null;
  };
  tenant_modules: {
    tenant: TenantId;
    module: ModuleId;
    schema_name: string;
    role_name: string;
    data_version: Version | null;
    /** Signs the tenant's webhooks. */
    hook_secret: Generated<string>;
    epoch: BigIntColumn;
    migration_id: string | null;
    created_at: CreatedAt;
  };
  tenant_module_instances: {
    id: string;
    tenant: TenantId;
    module: ModuleId;
    version: Version;
    status: InstanceStatus;
    /** The version of the data that it reads and writes. */
    data_version: Version;
    created_at: CreatedAt;
    retired_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  version_routing: {
    tenant: TenantId;
    module: ModuleId;
    version: Version;
    weight: number;
    updated_at: CreatedAt;
  };
  route_holds: {
    tenant: TenantId;
    module: ModuleId;
    migration_id: string;
    reason: string;
    max_wait_ms: number;
    retry_after_seconds: number;
    since: CreatedAt;
  };
  route_policies: {
    tenant: TenantId;
    module: ModuleId;
    rules: ColumnType<FeedPolicy["rules"], string | undefined, string>;
    segments: ColumnType<FeedPolicy["segments"], string | undefined, string>;
    mirror: ColumnType<FeedPolicy["mirror"], string | null | undefined, string | null>;
    leaving: ColumnType<FeedPolicy["leaving"], string | null | undefined, string | null>;
  };
  mirror_counts: {
    tenant: TenantId;
    module: ModuleId;
    since: BigIntColumn;
    gateway: string;
    started_at: BigIntColumn;
    compared: BigIntColumn;
    status_differs: BigIntColumn;
    size_differs: BigIntColumn;
    failed: BigIntColumn;
    skipped: BigIntColumn;
    ms: number;
    mirror_ms: number;
  };
  route_head: { one: Generated<boolean>; revision: BigIntColumn };
  route_changes: { revision: BigIntColumn; changes: JSONColumnType<StoredRouteChange[]>; created_at: CreatedAt };
  gateways: {
    id: string;
    url: string;
    applied_revision: BigIntColumn;
    draining: JSONColumnType<{ tenant: string; module: string; requests: number }[]>;
    ejected: JSONColumnType<EjectedUpstream[]>;
    seen_at: CreatedAt;
  };
  control_plane_processes: {
    id: string;
    host: string;
    home: string;
    pid: number;
    state: Generated<"live" | "stopped" | "dead">;
    started_at: CreatedAt;
    seen_at: CreatedAt;
  };
  deployments: {
    module: ModuleId;
    version: Version;
    owner: string | null;
    state: Generated<string>;
    url: string | null;
    pid: number | null;
    restarts: Generated<number>;
    last_error: string | null;
    updated_at: CreatedAt;
  };
  rollback_points: {
    id: string;
    tenant: TenantId;
    module: ModuleId;
    version: Version;
    data_version: Version;
    migration_id: string | null;
    reason: string;
    state: Generated<"available" | "restored" | "dropped">;
    schema_name: string;
    tables: number;
    rows: BigIntColumn;
    bytes: BigIntColumn;
    structure_fingerprint: string;
    data_fingerprint: string;
    write_baseline: JSONColumnType<WriteBaseline>;
    carried_writes: ColumnType<TableWrites[], string | undefined, string>;
    customization_mark: BigIntColumn;
    belongings: ColumnType<Belongings | null, string, never>;
    created_at: CreatedAt;
  };
  backups: {
    id: string;
    tenant: TenantId;
    module: ModuleId;
    version: Version;
    data_version: Version;
    migration_id: string;
    reason: string;
    state: Generated<"available" | "deleting" | "deleted">;
    file: string;
    tables: number;
    rows: BigIntColumn;
    bytes: BigIntColumn;
    sha256: string;
    structure_fingerprint: string;
    data_fingerprint: string;
    write_baseline: JSONColumnType<WriteBaseline>;
    carried_writes: ColumnType<TableWrites[], string | undefined, string>;
    customization_mark: BigIntColumn;
    created_at: ColumnType<Date, Date, never>;
  };
  retention_policies: { module: ModuleId; tenant: Generated<string>; policy: JSONColumnType<RetentionPolicy> };
  rehearsals: {
    migration_id: string;
    role_name: string;
    tenant: TenantId;
    module: ModuleId;
    contents: ColumnType<Record<string, string>, string | undefined, string>;
  };
  rollouts: {
    id: string;
    module: ModuleId;
    old_version: Version | null;
    new_version: Version | null;
    flag: ColumnType<StoredRolledFlag | null, string | null | undefined, string | null>;
    policy: JSONColumnType<RolloutPolicy>;
    state: JSONColumnType<RolloutState>;
    evidence: JSONColumnType<RolloutEvidence>;
    weight: Generated<number>;
    seen_until: Date;
    looks: BigIntColumn;
    next_look_at: Date;
    created_at: CreatedAt;
    finished_at: Date | null;
  };
  rollout_tenants: {
    rollout_id: string;
    tenant: TenantId;
    module: ModuleId;
    status: Generated<"running" | "promoted" | "returned" | "returning">;
    reason: string | null;
    changed_at: CreatedAt;
  };
  rollout_verdicts: {
    rollout_id: string;
    number: Generated<number>;
    at: Date;
    step: number;
    verdict: Verdict;
    judgement: JSONColumnType<Judgement>;
  };
  rollout_policies: { tenant: TenantId; module: ModuleId; policy: JSONColumnType<Partial<RolloutPolicy>> };
  upgrade_policies: { tenant: TenantId; module: ModuleId; policy: JSONColumnType<StoredUpgradePolicy> };
  upgrade_consents: { tenant: TenantId; module: ModuleId; version: Version; given_at: CreatedAt };
  fleet_upgrades: {
    id: string;
    module: ModuleId;
    version: Version;
    options: JSONColumnType<FleetUpgradeOptions>;
    waves: JSONColumnType<PlannedWave[]>;
    state: JSONColumnType<FleetState>;
    evidence: JSONColumnType<FleetEvidence>;
    seen_until: Date | null;
    tenants: number;
    scheduled_at: Date;
    created_at: CreatedAt;
    started_at: Date | null;
    finished_at: Date | null;
  };
  fleet_upgrade_members: {
    fleet_upgrade_id: string;
    tenant: TenantId;
    position: number;
    from_version: Version;
    data_store: string;
    wave: number | null;
    batch: number | null;
    status: FleetMemberStatus;
    code: string | null;
    reason: string | null;
    not_before: Date | null;
    claimed_by: string | null;
    claimed_until: Date | null;
    migration_id: string | null;
    return_migration_id: string | null;
    overdue: Generated<boolean>;
    told: string | null;
    started_at: Date | null;
    settled_at: Date | null;
  };
  quarantined_versions: {
    module: ModuleId;
    version: Version;
    since: CreatedAt;
    reason: string;
    fleet_upgrade_id: string;
    released_at: ColumnType<Date | null, undefined, Date>;
  };
  notices: {
    id: string;
    tenant: TenantId;
    module: ModuleId;
    event: JSONColumnType<Record<string, unknown>>;
    attempts: Generated<number>;
    next_attempt_at: CreatedAt;
    delivered_at: ColumnType<Date | null, undefined, Date>;
    given_up_at: ColumnType<Date | null, undefined, Date>;
    last_error: ColumnType<string | null, undefined, string>;
    created_at: CreatedAt;
  };
}

type CreatedAt = ColumnType<Date, Date | undefined, Date>;
/** int8 columns; the pool's parser gives numbers, which are exact up to 2^53. */
type BigIntColumn = ColumnType<number, number | undefined, number>;

export type InstanceStatus = "provisioning" | "active" | "standby" | "draining" | "retired";

/** One migration file of a release, as its history is compared. */
export interface ReleaseMigration {
  number: number;
  name: string;
  checksum: string;
  /** Not there in releases of before there were operations: SQL. */
  kind?: "sql" | "operations";
  /** Whether it has a down file, or needs none. */
  reversible: boolean;
}

/** What was asked for: an operation, or a restore of a rollback point or backup. */
export type OperationRequest =
  | Operation
  | { kind: "restore"; rollbackPointId: string; acceptDataLoss: boolean }
  | { kind: "restore-backup"; backupId: string; acceptDataLoss: boolean };

/** One step of a plan: the name of its kind, and what it works on. */
export interface PlannedStep {
  name: string;
  title: string;
  /** Arguments of the step, by its kind. */
  with: Record<string, unknown>;
}

export interface MigrationFailure {
  step: string;
  code: string;
  message: string;
}

export interface MigrationResult {
  instanceId?: string;
  rollbackPointId?: string;
  backupId?: string;
  lostWrites?: TableWrites[];
  discarded?: DiscardedValues[];
  heldMs?: number;
  rehearsal?: RehearsalReport;
}

/** A change as it is stored: endpoints without their key, which the feed adds. */
export type StoredRouteChange =
  | Extract<RouteChange, { kind: "route" }>
  | { kind: "endpoints"; module: ModuleId; version: Version; urls: string[] | null; healthPath: string | null };
