import { type Kysely, type Selectable, sql } from "kysely";
import {
  type Migration,
  type MigrationKind,
  MigrationNotFoundError,
  type MigrationStatus,
  type Page,
} from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { type Cursor, pageOf } from "../../db/cursor.ts";
import type { Notifications } from "../../db/notifications.ts";

const POLL_MS = 1_000;

export interface MigrationFilter {
  readonly tenant?: TenantId | undefined;
  readonly module?: ModuleId | undefined;
  readonly kind?: MigrationKind | undefined;
  readonly status?: MigrationStatus | undefined;
  readonly fleetUpgrade?: string | undefined;
}

export interface MigrationReadModel {
  /** @throws MigrationNotFoundError */
  get(migrationId: string): Promise<Migration>;
  /** Newest first. */
  list(filter: MigrationFilter, page: { after: Cursor | undefined; limit: number }): Promise<Page<Migration>>;
  /** The migration now and at each change, until it has ended. @throws MigrationNotFoundError */
  watch(migrationId: string, signal?: AbortSignal): AsyncGenerator<Migration>;
}

export function createMigrationReadModel({ db }: ControlDatabase, notifications: Notifications): MigrationReadModel {
  async function get(migrationId: string): Promise<Migration> {
    const record = await db
      .selectFrom("migration_records")
      .selectAll()
      .where("id", "=", migrationId)
      .executeTakeFirst();
    if (record === undefined) throw new MigrationNotFoundError(migrationId);
    const [migration] = await withSteps(db, [record]);
    if (migration === undefined) throw new MigrationNotFoundError(migrationId);
    return migration;
  }

  return {
    get,

    async list(filter, { after, limit }) {
      let query = db
        .selectFrom("migration_records")
        .selectAll()
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1);
      if (filter.tenant !== undefined) query = query.where("tenant", "=", filter.tenant);
      if (filter.module !== undefined) query = query.where("module", "=", filter.module);
      if (filter.kind !== undefined) query = query.where("kind", "=", filter.kind);
      if (filter.status !== undefined) query = query.where("status", "=", filter.status);
      if (filter.fleetUpgrade !== undefined) query = query.where("fleet_upgrade_id", "=", filter.fleetUpgrade);
      if (after !== undefined) {
        const [createdAt, id] = after;
        query = query.where(sql<boolean>`(created_at, id) < (${createdAt}::timestamptz, ${id})`);
      }
      // A Date has milliseconds, the column microseconds: the cursor takes the column's own text.
      const rows = await query.select(sql<string>`created_at::text`.as("position")).execute();
      const page = pageOf(rows, limit, (row) => [row.position, row.id]);
      return { items: await withSteps(db, page.items), nextCursor: page.nextCursor };
    },

    async *watch(migrationId, signal) {
      let wake: () => void = () => undefined;
      const stop = notifications.on("aibos_migrations", (id) => {
        if (id === migrationId) wake();
      });
      const onAbort = (): void => wake();
      signal?.addEventListener("abort", onAbort);
      try {
        let shown = "";
        for (;;) {
          if (signal?.aborted === true) return;
          const { promise: changed, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          const timer = setTimeout(resolve, POLL_MS);
          const migration = await get(migrationId);
          const text = JSON.stringify(migration);
          if (text !== shown) yield migration;
          shown = text;
          if (migration.finishedAt !== null) {
            clearTimeout(timer);
            return;
          }
          await changed;
          clearTimeout(timer);
        }
      } finally {
        stop();
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}

type RecordRow = Selectable<ControlTables["migration_records"]>;

async function withSteps(db: Kysely<ControlTables>, records: readonly RecordRow[]): Promise<Migration[]> {
  if (records.length === 0) return [];
  const steps = await db
    .selectFrom("migration_steps")
    .selectAll()
    .where(
      "migration_id",
      "in",
      records.map((record) => record.id),
    )
    .orderBy("position")
    .execute();
  const byMigration = Map.groupBy(steps, (step) => step.migration_id);
  return records.map((record) => describe(record, byMigration.get(record.id) ?? []));
}

function describe(record: RecordRow, steps: readonly Selectable<ControlTables["migration_steps"]>[]): Migration {
  return {
    id: record.id,
    tenant: record.tenant,
    module: record.module,
    kind: record.kind,
    fromVersion: record.from_version,
    toVersion: record.to_version,
    path: record.path,
    status: record.status,
    wanted: record.wanted,
    follows: record.follows,
    step: steps.at(-1)?.name ?? null,
    steps: steps.map((step) => ({
      position: step.position,
      name: step.name,
      title: step.title,
      status: step.status,
      checksum: step.checksum,
      detail: step.detail,
      error: step.error,
      startedAt: step.started_at.toISOString(),
      finishedAt: step.finished_at?.toISOString() ?? null,
    })),
    failure: record.failure,
    result: record.result,
    scheduledTime: record.scheduled_time?.toISOString() ?? null,
    createdAt: record.created_at.toISOString(),
    finishedAt: record.finished_at?.toISOString() ?? null,
  };
}
