import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import {
  AlreadyInstalledError,
  MigrationNotFoundError,
  MigrationNotRetriableError,
  ModuleNotInstalledError,
} from "@aibos/contract";
import { DomainError, type ModuleId, type TenantId, tenantRoleName, tenantSchemaName } from "@aibos/domain";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { OperationRequest } from "../../db/control-tables.ts";
import type { Installation } from "../installation/installation.ts";
import { readTenantModule, requireTenant, type TenantModuleState } from "../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { endRecord, type OperationEnd } from "./end-record.ts";
import { lockTenantModule, passFence } from "./fence.ts";
import type { Execution } from "./migration-ledger.ts";
import { decide } from "./plans/decide.ts";
import { findFreeze } from "./plans/require-thawed.ts";
import { resultOf } from "./operation-result.ts";
import { requireIdle, whileIdle } from "./running-operation.ts";

/** What to do with an operation: go on, wait for another one to end, or nothing because it has ended. */
export type Claim =
  | { readonly kind: "claimed"; readonly execution: Execution }
  | { readonly kind: "busy" }
  /** A freeze is on when a scheduled operation is due: it waits for its end. */
  | { readonly kind: "frozen" }
  | { readonly kind: "ended" };

export interface OperationStore {
  /** Enters an operation. @throws OperationInProgressError, and whatever speaks against it */
  begin(tenant: TenantId, module: ModuleId, request: OperationRequest, sponsor?: OperationSponsor): Promise<string>;
  /** When a scheduled operation is due, in milliseconds since the epoch; undefined for one that is due at once. */
  dueAt(migrationId: string): Promise<number | undefined>;
  /** Takes an operation up, shutting out whoever had it before. */
  claim(migrationId: string): Promise<Claim>;
  /** Ends it. Returns the operation that follows, if one does. */
  finish(execution: Execution, end: OperationEnd): Promise<string | undefined>;
  /** Enters anew what failed. @throws MigrationNotFoundError, MigrationNotRetriableError, and as {@link begin} */
  again(migrationId: string): Promise<string>;
  /** Unfinished operations, for those whose workflow was never started. */
  unfinished(): Promise<string[]>;
}

/** Who asks for an operation, where it is not a person. */
export interface OperationSponsor {
  readonly fleetUpgradeId: string;
  /** Part of the transaction that enters the operation: both happen, or neither. */
  readonly also: (tx: ControlTransaction, migrationId: string) => Promise<void>;
}

export function createOperationStore(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  installation: Installation;
  now: () => number;
}): OperationStore {
  const { database, modules, installation, now } = options;
  const today = (): string => new Date(now()).toISOString().slice(0, 10);

  /** An installation brings its row along; everything else finds it. */
  async function lockSubject(tx: ControlTransaction, tenant: TenantId, module: ModuleId, request: OperationRequest) {
    if (request.kind === "install") {
      await requireTenant(tx.db, tenant);
      await modules.getVersion(module, request.version);
      await tx.db
        .insertInto("tenant_modules")
        .values({
          tenant,
          module,
          schema_name: tenantSchemaName(tenant, module),
          role_name: tenantRoleName(installation.id, tenant, module),
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    const row = await lockTenantModule(tx, { tenant, module });
    if (row !== undefined) return row;
    await requireTenant(tx.db, tenant);
    throw new ModuleNotInstalledError(tenant, module);
  }

  async function insertRecord(
    tx: ControlTransaction,
    state: TenantModuleState,
    request: OperationRequest,
    { follows = null, sponsor }: { follows?: string | null | undefined; sponsor?: OperationSponsor | undefined } = {},
  ): Promise<string> {
    const id = `mig_${randomBytes(6).toString("hex")}`;
    const time = request.kind === "migrate" || request.kind === "complete" ? request.scheduledTime : undefined;
    const due = time === undefined ? 0 : Date.parse(time);
    const scheduled = due > now();
    // One that waits for its time is asked again when that has come.
    const frozen = scheduled ? undefined : await findFreeze(tx.db, state, request, now());
    if (frozen !== undefined) throw frozen;
    const decision = await decide({ tx, state, modules }, request, today());
    await tx.db
      .insertInto("migration_records")
      .values({
        id,
        tenant: state.tenant,
        module: state.module,
        kind: request.kind,
        from_version: decision.fromVersion,
        to_version: decision.toVersion,
        path: decision.path,
        // Decided again when it is due.
        plan: JSON.stringify(scheduled ? [] : decision.steps),
        status: scheduled ? "scheduled" : "running",
        request: JSON.stringify(request),
        scheduled_time: scheduled ? new Date(due) : null,
        follows,
        fleet_upgrade_id: sponsor?.fleetUpgradeId ?? null,
        created_at: sql<Date>`clock_timestamp()`,
        started_at: scheduled ? null : sql<Date>`clock_timestamp()`,
      })
      .execute();
    if (!scheduled) await own(tx, state, id);
    await sponsor?.also(tx, id);
    return id;
  }

  function begin(
    tenant: TenantId,
    module: ModuleId,
    request: OperationRequest,
    context: { follows?: string; sponsor?: OperationSponsor | undefined } = {},
  ): Promise<string> {
    return whileIdle(database, { tenant, module }, async (tx) => {
      await lockSubject(tx, tenant, module, request);
      await requireIdle(tx.db, { tenant, module });
      const state = await readTenantModule(tx.db, tenant, module);
      const [present] = state.live;
      if (request.kind === "install" && present !== undefined) {
        throw new AlreadyInstalledError(tenant, module, present.version);
      }
      return insertRecord(tx, state, request, context);
    });
  }

  /** What has to come after an operation that has just ended, entered in the same transaction. */
  async function insertSuccessor(
    tx: ControlTransaction,
    { migrationId, tenant, module, request }: Execution,
    end: OperationEnd,
  ): Promise<string | undefined> {
    if (request.kind !== "migrate") return undefined;
    const state = await readTenantModule(tx.db, tenant, module);
    if (end.status === "succeeded") return insertCompletion(tx, state, migrationId, request);
    const further = goingFurther(request, end, state);
    if (further === undefined) return undefined;
    try {
      return await insertRecord(tx, state, further, { follows: migrationId });
    } catch (error) {
      if (!(error instanceof DomainError) || end.failure === null) throw error;
      const message = `${end.failure.message} Going back failed: ${error.message}`;
      await endRecord(tx, migrationId, { ...end, failure: { ...end.failure, message } }, {});
      return undefined;
    }
  }

  /** Takes the old version's data away when its time is over. */
  async function insertCompletion(
    tx: ControlTransaction,
    state: TenantModuleState,
    migrationId: string,
    { version, soak }: Extract<OperationRequest, { kind: "migrate" }>,
  ): Promise<string | undefined> {
    if (soak === 0 || state.live.length < 2) return undefined;
    const at = new Date(now() + soak * 1_000).toISOString();
    const id = await insertRecord(
      tx,
      state,
      { kind: "complete", version, scheduledTime: at },
      { follows: migrationId },
    );
    await tx.db
      .updateTable("migration_records")
      .set({ result: sql`result || ${JSON.stringify({ completion: { migrationId: id, at } })}::jsonb` })
      .where("id", "=", migrationId)
      .execute();
    return id;
  }

  return {
    begin: (tenant, module, request, sponsor) => begin(tenant, module, request, { sponsor }),

    async dueAt(migrationId) {
      const row = await database.db
        .selectFrom("migration_records")
        .select("scheduled_time")
        .where("id", "=", migrationId)
        .executeTakeFirst();
      return row?.scheduled_time?.getTime();
    },

    claim: (migrationId) =>
      database.transaction(async (tx): Promise<Claim> => {
        const record = await tx.db
          .selectFrom("migration_records")
          .selectAll()
          .where("id", "=", migrationId)
          .executeTakeFirst();
        if (record === undefined || record.finished_at !== null) return { kind: "ended" };
        const { tenant, module, request } = record;
        const fence = await lockTenantModule(tx, { tenant, module });
        if (fence === undefined || (await hasEnded(tx, migrationId))) return { kind: "ended" };
        if (fence.migrationId !== migrationId && fence.migrationId !== null) return { kind: "busy" };
        const state = await readTenantModule(tx.db, tenant, module);
        let steps = record.plan;
        if (record.status === "scheduled") {
          const frozen = await findFreeze(tx.db, { tenant, module }, request, now());
          if (frozen !== undefined) {
            await tx.db
              .updateTable("migration_records")
              .set({ scheduled_time: new Date(frozen.thaws) })
              .where("id", "=", migrationId)
              .execute();
            return { kind: "frozen" };
          }
          try {
            const decision = await decide({ tx, state, modules }, request, today());
            steps = [...decision.steps];
            await tx.db
              .updateTable("migration_records")
              .set({
                status: "running",
                plan: JSON.stringify(steps),
                path: decision.path,
                from_version: decision.fromVersion,
                started_at: sql<Date>`clock_timestamp()`,
              })
              .where("id", "=", migrationId)
              .execute();
          } catch (error) {
            if (!(error instanceof DomainError)) throw error;
            const failure = { step: "start", code: error.code, message: error.message };
            await endRecord(tx, migrationId, { status: "rolled-back", failure }, {});
            return { kind: "ended" };
          }
        }
        await own(tx, state, migrationId);
        const execution: Execution = {
          tenant,
          module,
          migrationId,
          request,
          steps,
          schema: state.schema,
          role: state.role,
          epoch: state.epoch + 1,
        };
        return { kind: "claimed", execution };
      }),

    finish: (execution, end) =>
      database.transaction(async (tx) => {
        const { migrationId, tenant, module, request } = execution;
        const ended = await tx.db
          .selectFrom("migration_records")
          .select("finished_at")
          .where("id", "=", migrationId)
          .executeTakeFirstOrThrow();
        if (ended.finished_at !== null) return undefined;
        await passFence(tx, execution);
        await endRecord(tx, migrationId, end, await resultOf(tx, execution, end));
        await tx.db
          .updateTable("tenant_modules")
          .set({ migration_id: null })
          .where("tenant", "=", tenant)
          .where("module", "=", module)
          .execute();
        if (request.kind === "install" && end.status !== "succeeded") {
          await tx.db.deleteFrom("tenant_modules").where("tenant", "=", tenant).where("module", "=", module).execute();
          return undefined;
        }
        if (end.status === "succeeded") await cancelCompletions(tx, execution);
        return insertSuccessor(tx, execution, end);
      }),

    async again(migrationId) {
      const record = await database.db
        .selectFrom("migration_records")
        .select(["tenant", "module", "status", "request"])
        .where("id", "=", migrationId)
        .executeTakeFirst();
      if (record === undefined) throw new MigrationNotFoundError(migrationId);
      const { tenant, module, status, request } = record;
      if (status !== "failed" && status !== "rolled-back" && status !== "cancelled") {
        throw new MigrationNotRetriableError(migrationId, status);
      }
      return begin(tenant, module, request, { follows: migrationId });
    },

    async unfinished() {
      const rows = await database.db
        .selectFrom("migration_records")
        .select("id")
        .where("finished_at", "is", null)
        .execute();
      return rows.map((row) => row.id);
    },
  };
}

/** Where a migration that did not do well goes back to, further than by undoing it; undefined where it stays. */
function goingFurther(
  { rollbackVersion: version, rollbackOnFailure, acceptDataLoss }: Extract<OperationRequest, { kind: "migrate" }>,
  { status, failure }: OperationEnd,
  { live }: TenantModuleState,
): OperationRequest | undefined {
  // Watched after a hold, it was not undone: users have written since.
  if (status === "failed" && failure?.code === "AIBOS_OBSERVATION_FAILED" && rollbackOnFailure && acceptDataLoss) {
    return { kind: "rollback", version, acceptDataLoss };
  }
  if (status !== "rolled-back" || version === undefined) return undefined;
  return live.some((instance) => instance.version === version)
    ? undefined
    : { kind: "rollback", version, acceptDataLoss };
}

/** Completions that wait for their time are void when the versions are not side by side any more. */
async function cancelCompletions(tx: ControlTransaction, { tenant, module, migrationId }: Execution): Promise<void> {
  const { live } = await readTenantModule(tx.db, tenant, module);
  if (live.length > 1) return;
  const waiting = await tx.db
    .selectFrom("migration_records")
    .select("id")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("kind", "=", "complete")
    .where("status", "=", "scheduled")
    .where("id", "<>", migrationId)
    .forUpdate()
    .execute();
  for (const { id } of waiting) await endRecord(tx, id, { status: "cancelled", failure: null }, {});
}

/** Also keeps it from being cancelled until the transaction ends. */
async function hasEnded({ db }: ControlTransaction, migrationId: string): Promise<boolean> {
  const row = await db
    .selectFrom("migration_records")
    .select("finished_at")
    .where("id", "=", migrationId)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined || row.finished_at !== null;
}

async function own(
  { db }: ControlTransaction,
  { tenant, module, epoch }: TenantModuleState,
  migrationId: string,
): Promise<void> {
  await db
    .updateTable("tenant_modules")
    .set({ migration_id: migrationId, epoch: epoch + 1 })
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .execute();
}
