import type { ControlTransaction } from "../../db/control-database.ts";
import type { MigrationResult } from "../../db/control-tables.ts";
import type { OperationEnd } from "./end-record.ts";
import type { Execution } from "./migration-ledger.ts";
import { reportRehearsal } from "./rehearsal-report.ts";

/** Gathers from the steps what the operation made. */
export async function resultOf(
  { db }: ControlTransaction,
  { migrationId, request }: Execution,
  end: OperationEnd,
): Promise<MigrationResult> {
  const steps = await db
    .selectFrom("migration_steps")
    .select(["name", "title", "status", "detail", "started_at", "finished_at"])
    .where("migration_id", "=", migrationId)
    .orderBy("position")
    .execute();
  if (request.kind === "rehearse") {
    const { from_version, to_version, path } = await db
      .selectFrom("migration_records")
      .select(["from_version", "to_version", "path"])
      .where("id", "=", migrationId)
      .executeTakeFirstOrThrow();
    const about = { fromVersion: from_version, toVersion: to_version, path, failure: end.failure };
    return { rehearsal: reportRehearsal({ ...about, steps }) };
  }
  const held = steps.find((step) => step.name === "hold");
  const released =
    end.status === "rolled-back" || end.status === "cancelled"
      ? held
      : steps.findLast((step) => step.name === "route" && step.status === "succeeded");
  const result: MigrationResult = {};
  for (const { detail, status } of steps) {
    if (status !== "succeeded") continue;
    if (typeof detail["instanceId"] === "string") result.instanceId = detail["instanceId"];
    if (typeof detail["backupId"] === "string") result.backupId = detail["backupId"];
    if (typeof detail["rollbackPointId"] === "string") result.rollbackPointId = detail["rollbackPointId"];
    if (Array.isArray(detail["lostWrites"])) result.lostWrites = detail["lostWrites"];
    if (Array.isArray(detail["discarded"]) && detail["discarded"].length > 0) result.discarded = detail["discarded"];
  }
  if (held !== undefined && released?.finished_at != null) {
    result.heldMs = released.finished_at.getTime() - held.started_at.getTime();
  }
  return result;
}
