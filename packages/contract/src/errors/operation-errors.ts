import { DomainError, type ModuleId, type TenantId } from "@aibos/domain";
import type { MigrationStatus, Problem, TableWrites } from "../api/models.ts";

/** Failures of operations that change a tenant's version, data or routing. */

export class OperationInProgressError extends DomainError {
  readonly code = "AIBOS_OPERATION_IN_PROGRESS";
  readonly migrationId: string;
  constructor(tenant: TenantId, module: ModuleId, running: { id: string; summary: string; step: string | null }) {
    super(
      `Tenant "${tenant}", module "${module}" is busy: ${running.summary} (${running.id}` +
        `${running.step === null ? "" : `, at step "${running.step}"`}). ` +
        `Wait for it: "aibos-versions migration-status ${running.id} --watch".`,
    );
    this.migrationId = running.id;
  }
}

/** Whoever wants to look at a tenant's data waited too long for others who do. */
export class ValidationBusyError extends DomainError {
  readonly code = "AIBOS_VALIDATION_BUSY";
  constructor(tenant: TenantId, module: ModuleId, waitedMs: number, options?: ErrorOptions) {
    super(
      `Tenant "${tenant}", module "${module}" is being looked at by others: a validation waited ${Math.round(waitedMs / 1_000)} s ` +
        "at most for its turn. Nothing was changed; try again in a minute.",
      options,
    );
  }
}

export class MigrationNotFoundError extends DomainError {
  readonly code = "AIBOS_MIGRATION_NOT_FOUND";
  readonly migrationId: string;
  constructor(migrationId: string) {
    super(`There is no migration "${migrationId}". Its identifier is printed when it is started, like "mig_…".`);
    this.migrationId = migrationId;
  }
}

/** An operation that has ended, or has done what can't be undone, can't be cancelled. */
export class MigrationNotCancellableError extends DomainError {
  readonly code = "AIBOS_MIGRATION_NOT_CANCELLABLE";
  /** `step` is the one that can't be undone; null when the operation has ended. */
  constructor(migrationId: string, status: string, step: string | null) {
    super(
      step === null
        ? `${migrationId} can't be cancelled: it is ${status}. What it did can be taken back with "aibos-versions rollback-tenant".`
        : `${migrationId} can't be cancelled any more: its step "${step}" can't be undone. It ends by itself; after that, ` +
            `"aibos-versions rollback-tenant" goes back to its rollback point.`,
    );
  }
}

export class MigrationNotPausableError extends DomainError {
  readonly code = "AIBOS_MIGRATION_NOT_PAUSABLE";
  constructor(migrationId: string, status: string) {
    super(`${migrationId} can't be paused: it is ${status}, and only an operation that runs can be.`);
  }
}

export class MigrationNotPausedError extends DomainError {
  readonly code = "AIBOS_MIGRATION_NOT_PAUSED";
  constructor(migrationId: string, status: string) {
    super(
      `${migrationId} can't be resumed: it is ${status}, not paused. See "aibos-versions migration-status ${migrationId}".`,
    );
  }
}

export class MigrationNotRetriableError extends DomainError {
  readonly code = "AIBOS_MIGRATION_NOT_RETRIABLE";
  constructor(migrationId: string, status: string) {
    super(`${migrationId} can't be tried again: it is ${status}, and did not fail.`);
  }
}

/** Somebody cancelled the operation, which is why this step was not done. */
export class MigrationCancelledError extends DomainError {
  readonly code = "AIBOS_MIGRATION_CANCELLED";
  constructor(migrationId: string) {
    super(`${migrationId} was cancelled.`);
  }
}

/** A process died while SQL files changed a rehearsal's copy, which can't be gone on with. */
export class RehearsalInterruptedError extends DomainError {
  readonly code = "AIBOS_REHEARSAL_INTERRUPTED";
  constructor(migrationId: string) {
    super(`${migrationId} was interrupted while it changed its copy, which is taken away. Rehearse it again.`);
  }
}

/** The move must be rehearsed first. */
export class RehearsalRequiredError extends DomainError {
  readonly code = "AIBOS_REHEARSAL_REQUIRED";
  constructor(move: { tenant: TenantId; module: ModuleId; from: string; to: string; seconds: number; why: string }) {
    const { tenant, module, from, to, seconds, why } = move;
    super(
      `Moving tenant "${tenant}" from ${module} ${from} to ${to} needs a rehearsal that passed in the last ` +
        `${seconds} s, and ${why}. Rehearse it: "aibos-versions rehearse-migration -t ${tenant} -m ${module} -v ${to}".`,
    );
  }
}

/** The new version did not do well while it was watched. */
export class ObservationFailedError extends DomainError {
  readonly code = "AIBOS_OBSERVATION_FAILED";
  constructor(module: ModuleId, version: string, reason: string) {
    super(`${module} ${version} did not do well while it was watched: ${reason}`);
  }
}

/** A migration ended without reaching its target, or stopped; `undone` tells whether everything is as it was before. */
export class MigrationFailedError extends DomainError {
  readonly code = "AIBOS_MIGRATION_FAILED";
  readonly migrationId: string;
  readonly step: string;
  readonly reason: string;
  readonly undone: boolean;
  constructor(failed: { migrationId: string; step: string; reason: string; outcome: MigrationStatus }) {
    const { migrationId, step, outcome } = failed;
    const reason = failed.reason.replace(/[\s.]+$/, "");
    const undone = outcome === "rolled-back" || outcome === "cancelled";
    const end = undone
      ? "Everything was put back as it was before."
      : outcome === "paused"
        ? `It is paused there: "aibos-versions migration retry ${migrationId}" tries the step again, "aibos-versions migration cancel ${migrationId}" puts everything back.`
        : "It was left as it is, as was asked.";
    super(
      outcome === "cancelled"
        ? `${migrationId} was cancelled before step "${step}" ended. ${end}`
        : `${migrationId} failed at step "${step}": ${reason}. ${end}`,
    );
    this.migrationId = migrationId;
    this.step = step;
    this.reason = reason;
    this.undone = undone;
  }
}

/** `validateMigration` found reasons not to start; `problems` has them all. */
export class UpgradeNotValidError extends DomainError {
  readonly code = "AIBOS_UPGRADE_NOT_VALID";
  readonly problems: readonly Problem[];
  constructor(tenant: TenantId, module: ModuleId, target: string, problems: readonly Problem[]) {
    super(`Tenant "${tenant}" can't be moved to ${module} ${target}: ${problems.map((p) => p.message).join(" ")}`);
    this.problems = problems;
  }
}

export class SideBySideUnsupportedError extends DomainError {
  readonly code = "AIBOS_SIDE_BY_SIDE_UNSUPPORTED";
  /** `exclusive` is the release on the way whose SQL files keep everybody out. */
  constructor(module: ModuleId, live: string, target: string, exclusive: string) {
    super(
      `${module} ${live} and ${target} can't serve the same data at the same time: ${exclusive} changes it by SQL files, ` +
        `and ${target} does not declare "data.compatibleWith" for ${live}, or they use different versions of it. Move the tenant with "aibos-versions migrate-tenant" instead; its requests are ` +
        `held for a moment while the data is changed.`,
    );
  }
}

/** The old version's data can't stay beside the new one's. */
export class SoakUnsupportedError extends DomainError {
  readonly code = "AIBOS_SOAK_UNSUPPORTED";
  constructor(module: ModuleId, from: string, exclusive: string) {
    super(
      `${module} ${exclusive} changes the data by SQL files, after which ${from} can't use it any more: there is nothing to ` +
        `soak. Leave the soak out; a rollback point of ${from} is kept.`,
    );
  }
}

/** The tenant already serves several versions; this operation needs one. */
export class SideBySideActiveError extends DomainError {
  readonly code = "AIBOS_SIDE_BY_SIDE_ACTIVE";
  constructor(tenant: TenantId, module: ModuleId, live: readonly string[]) {
    super(
      `Tenant "${tenant}" runs ${module} ${live.join(" and ")} side by side. End that first: "aibos-versions ` +
        `complete-migration -t ${tenant} -m ${module} -v ${live[0] ?? ""}", or "aibos-versions rollback-tenant".`,
    );
  }
}

/** The tenant is on the version already. */
export class AlreadyOnVersionError extends DomainError {
  readonly code = "AIBOS_ALREADY_ON_VERSION";
  constructor(tenant: TenantId, module: ModuleId, version: string) {
    super(`Tenant "${tenant}" already runs ${module} ${version}; there is nothing to do.`);
  }
}

export class RollbackPointNotFoundError extends DomainError {
  readonly code = "AIBOS_ROLLBACK_POINT_NOT_FOUND";
  readonly rollbackPointId: string;
  constructor(rollbackPointId: string, state: "unknown" | "restored" | "dropped") {
    super(
      state === "unknown"
        ? `There is no rollback point "${rollbackPointId}". List them with "aibos-versions rollback-point list".`
        : `Rollback point "${rollbackPointId}" was ${state} and can't be used again.`,
    );
    this.rollbackPointId = rollbackPointId;
  }
}

export class BackupNotFoundError extends DomainError {
  readonly code = "AIBOS_BACKUP_NOT_FOUND";
  constructor(backupId: string, where: "unknown" | "deleted" | { readonly folder: string; readonly file: string }) {
    super(
      where === "unknown"
        ? `There is no backup "${backupId}". List them with "aibos-versions backup list".`
        : where === "deleted"
          ? `Backup "${backupId}" was deleted.`
          : `The file of backup "${backupId}", ${where.file}, is not in ${where.folder}. Put it there, or give all control ` +
            "planes the same folder (AIBOS_BACKUP_DIR).",
    );
  }
}

export class BackupInUseError extends DomainError {
  readonly code = "AIBOS_BACKUP_IN_USE";
  constructor(backupId: string, migrationId: string) {
    super(`Backup "${backupId}" can't be deleted while ${migrationId} restores it. Wait for that, or cancel it.`);
  }
}

export class RollbackUnavailableError extends DomainError {
  readonly code = "AIBOS_ROLLBACK_UNAVAILABLE";
  constructor(tenant: TenantId, module: ModuleId, detail: string) {
    super(`Tenant "${tenant}", module "${module}" can't be rolled back: ${detail}`);
  }
}

/** Going back would lose writes. `lostWrites` counts them by table. */
export class DataLossNotAcceptedError extends DomainError {
  readonly code = "AIBOS_DATA_LOSS_NOT_ACCEPTED";
  readonly lostWrites: readonly TableWrites[];
  constructor(
    point: { readonly id: string; readonly version: string; readonly createdAt: Date; readonly what?: "backup" },
    lostWrites: readonly TableWrites[],
  ) {
    const { id, version, createdAt, what = "rollback point" } = point;
    super(
      `Going back to ${version} (${what} ${id}, taken ${createdAt.toISOString()}) would lose the writes made since: ${describeWrites(lostWrites)}. ` +
        `If that is what you want, say so with --accept-data-loss (acceptDataLoss: true).`,
    );
    this.lostWrites = lostWrites;
  }
}

/** One line for people: `invoices: 3 inserted, 1 updated; payments: about 2 updated`. */
export function describeWrites(writes: readonly TableWrites[]): string {
  return writes
    .map((w) => {
      const parts = [
        [w.inserted, "inserted"],
        [w.updated, "updated"],
        [w.deleted, "deleted"],
      ].flatMap(([count, verb]) => (count === 0 ? [] : [`${count} ${verb}`]));
      return `${w.table}: ${w.exact ? "" : "about "}${parts.join(", ") || "changed"}`;
    })
    .join("; ");
}

export class HoldTimeoutError extends DomainError {
  readonly code = "AIBOS_HOLD_TIMEOUT";
  constructor(waited: string, seconds: number) {
    super(
      `${waited} did not happen within ${seconds} s. A long request or an unreachable gateway may be the reason; ` +
        `see "aibos-versions health", then try again.`,
    );
  }
}

/** A freeze keeps operations from beginning. */
export class FrozenError extends DomainError {
  readonly code = "AIBOS_FROZEN";
  /** When it is over, and those that follow on it: milliseconds since the epoch. */
  readonly thaws: number;
  constructor(
    tenant: TenantId,
    module: ModuleId,
    freeze: { id: string | null; to: number; reason: string; thaws: number },
  ) {
    const time = (at: number): string => new Date(at).toISOString();
    const whose = freeze.id === null ? "in the tenant's upgrade policy" : freeze.id;
    super(
      `Module "${module}" of tenant "${tenant}" is frozen until ${time(freeze.to)} (${whose}): ${freeze.reason}. ` +
        `Begin at ${time(freeze.thaws)} or later, for which a migration can be scheduled; or give --override-freeze and a reason.`,
    );
    this.thaws = freeze.thaws;
  }
}

export class FreezeNotFoundError extends DomainError {
  readonly code = "AIBOS_FREEZE_NOT_FOUND";
  constructor(id: string) {
    super(`There is no freeze ${id}. List them with "aibos-versions freeze list --past".`);
  }
}
