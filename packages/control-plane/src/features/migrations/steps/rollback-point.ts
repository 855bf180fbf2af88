import type { Version } from "@aibos/domain";
import { describeDifference, dropSchemaCopy, fingerprintSchema, restoreSchemaCopy } from "@aibos/tenant-data";
import { findRollbackPoint, setPointState, takeRollbackPoint } from "../../rollback-points/rollback-points.ts";
import type { StepKind } from "../migration-step.ts";
import { lockTables } from "../lock-tables.ts";
import { setDataVersion } from "../set-data-version.ts";

/** Copies the data. When later steps changed it and are undone, the copy takes its place again. */
export const rollbackPoint: StepKind<{ version: Version; dataVersion: Version; reason: string }> = {
  name: "rollback-point",
  title: () => "copy the data to a rollback point",
  async inside(tx, run) {
    await lockTables(tx.client, run.schema);
    const point = await takeRollbackPoint(tx, run, { ...run.with, migrationId: run.migrationId });
    return {
      detail: { rollbackPointId: point.id, structure: point.fingerprint.structure },
      checksum: point.fingerprint.data,
    };
  },
  async undoInside(tx, run, recorded) {
    const point = await findRollbackPoint(tx.db, String(recorded["rollbackPointId"]));
    if (point === undefined || point.state !== "available") return;
    const now = await fingerprintSchema(tx.client, run.schema);
    if (now.structure === point.fingerprint.structure && now.data === point.fingerprint.data) {
      await dropSchemaCopy(tx.client, point.copy);
    } else {
      await restoreSchemaCopy(tx.client, { copy: point.copy, schema: run.schema });
      const restored = await fingerprintSchema(tx.client, run.schema);
      if (restored.structure !== point.fingerprint.structure || restored.data !== point.fingerprint.data) {
        throw new Error(
          `The data restored from ${point.id} is not what was copied: ${describeDifference(now, restored).join("; ")}`,
        );
      }
    }
    await setPointState(tx, point.id, "dropped");
    await setDataVersion(tx, run, point.dataVersion);
  },
};
