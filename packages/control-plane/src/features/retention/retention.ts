import type { RetentionResult } from "@aibos/contract";
import { chooseDropped, type ModuleId, type TenantId } from "@aibos/domain";
import { dropSchemaCopy } from "@aibos/tenant-data";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { BackupFolder } from "../backups/backup-folder.ts";
import { finishDeletion } from "../backups/delete-backup.ts";
import { lockTenantModule } from "../migrations/fence.ts";
import { setPointState } from "../rollback-points/rollback-points.ts";
import { readRetention } from "./retention-policy.ts";

interface Pair {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

interface Copy {
  readonly kind: "rollback-point" | "backup";
  readonly id: string;
  readonly version: string;
  readonly bytes: number;
  readonly at: number;
  /** A rollback point's schema. */
  readonly schema?: string;
  /** Whether somebody asked for it: those of operations never push these out. */
  readonly asked: boolean;
}

export interface Retention {
  /** Drops what the policy does not keep. Safe to repeat, and to be killed in. */
  apply(pair: Pair, options?: { dryRun?: boolean }): Promise<RetentionResult>;
  /** For a pair whose copies a person does not look at now: what is in use can be dropped another time. */
  tidy(pair: Pair): Promise<void>;
}

/** So long it waits for somebody who reads a copy. */
const WAIT = "2s";

export function createRetention(options: {
  database: ControlDatabase;
  folder: BackupFolder;
  /** Milliseconds since the epoch. */
  now: () => number;
}): Retention {
  const { database, folder, now } = options;

  async function apply(pair: Pair, { dryRun = false }: { dryRun?: boolean } = {}): Promise<RetentionResult> {
    const { dropped, needed } = await database.transaction(async (tx) => {
      await tx.client.query("select set_config('lock_timeout', $1, true)", [WAIT]);
      // Nobody begins or ends an operation meanwhile.
      await lockTenantModule(tx, pair);
      const found = await choose(tx, pair, now());
      if (!dryRun) for (const copy of found.dropped) await drop(tx, copy);
      return found;
    });
    if (!dryRun) await finishDeletions(pair);
    return {
      dryRun,
      dropped: dropped.map(({ kind, id, version, bytes, at }) => ({
        kind,
        id,
        version,
        bytes,
        createdAt: new Date(at).toISOString(),
      })),
      needed: needed.map(({ id }) => id),
    };
  }

  async function finishDeletions({ tenant, module }: Pair): Promise<void> {
    const rows = await database.db
      .selectFrom("backups")
      .select("id")
      .where("tenant", "=", tenant)
      .where("module", "=", module)
      .where("state", "=", "deleting")
      .execute();
    for (const { id } of rows) await finishDeletion({ database, folder }, id);
  }

  return {
    apply,
    async tidy(pair) {
      await apply(pair);
    },
  };
}

async function choose(tx: ControlTransaction, pair: Pair, now: number): Promise<{ dropped: Copy[]; needed: Copy[] }> {
  const { policy } = await readRetention(tx.db, pair.module, pair.tenant);
  const points = await pointsOf(tx, pair);
  const chosen = [
    ...chooseDropped(
      points.filter(({ asked }) => !asked),
      policy.rollbackPoints,
      now,
    ),
    ...chooseDropped(
      points.filter(({ asked }) => asked),
      policy.rollbackPoints,
      now,
    ),
    ...chooseDropped(await backupsOf(tx, pair), policy.backups, now),
  ];
  const inUse = await neededCopies(tx, pair);
  return {
    dropped: chosen.filter(({ id }) => !inUse.has(id)),
    needed: chosen.filter(({ id }) => inUse.has(id)),
  };
}

async function drop(tx: ControlTransaction, { kind, id, schema }: Copy): Promise<void> {
  if (kind === "backup") {
    await tx.db.updateTable("backups").set({ state: "deleting" }).where("id", "=", id).execute();
    return;
  }
  if (schema !== undefined) await dropSchemaCopy(tx.client, schema);
  await setPointState(tx, id, "dropped");
}

async function pointsOf({ db }: ControlTransaction, { tenant, module }: Pair): Promise<Copy[]> {
  const rows = await db
    .selectFrom("rollback_points as p")
    .leftJoin("migration_records as r", "r.id", "p.migration_id")
    .select(["p.id", "p.version", "p.bytes", "p.created_at", "p.schema_name", "r.kind"])
    .where("p.tenant", "=", tenant)
    .where("p.module", "=", module)
    .where("p.state", "=", "available")
    .orderBy("p.created_at", "desc")
    .orderBy("p.id", "desc")
    .execute();
  return rows.map(({ id, version, bytes, created_at: at, schema_name: schema, kind }) => ({
    kind: "rollback-point",
    id,
    version,
    bytes,
    schema,
    at: at.getTime(),
    asked: kind === "rollback-point",
  }));
}

async function backupsOf({ db }: ControlTransaction, { tenant, module }: Pair): Promise<Copy[]> {
  const rows = await db
    .selectFrom("backups")
    .select(["id", "version", "bytes", "created_at"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("state", "=", "available")
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .execute();
  return rows.map(({ id, version, bytes, created_at: at }) => ({
    kind: "backup",
    id,
    version,
    bytes,
    at: at.getTime(),
    asked: true,
  }));
}

/**
 * What operations need that have not ended: copies that they took, that they go back to, and those of a migration whose
 * completion waits for its soak to be over.
 */
async function neededCopies({ db }: ControlTransaction, { tenant, module }: Pair): Promise<ReadonlySet<string>> {
  const open = await db
    .selectFrom("migration_records")
    .select(["id", "follows", "request", "plan"])
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("finished_at", "is", null)
    .execute();
  if (open.length === 0) return new Set();
  const ids = open.flatMap(({ id, follows }) => (follows === null ? [id] : [id, follows]));
  const taken = await db.selectFrom("rollback_points").select("id").where("migration_id", "in", ids).execute();
  const asked = open.flatMap(({ request, plan }) => [
    ...(request.kind === "restore" ? [request.rollbackPointId] : []),
    ...(request.kind === "restore-backup" ? [request.backupId] : []),
    ...plan.flatMap(({ with: subject }) =>
      typeof subject["rollbackPointId"] === "string" ? [subject["rollbackPointId"]] : [],
    ),
  ]);
  return new Set([...taken.map(({ id }) => id), ...asked]);
}
