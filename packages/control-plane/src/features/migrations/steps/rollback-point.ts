import type { Version } from "@aibos/domain";
import { describeDifference, dropSchemaCopy, fingerprintSchema, restoreSchemaCopy } from "@aibos/tenant-data";
import { carryWrites, followRestored } from "../../rollback-points/counted-writes.ts";
import { findRollbackPoint, setPointState, takeRollbackPoint } from "../../rollback-points/rollback-points.ts";
import type { StepKind } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";

interface Point {
  readonly version: Version;
  readonly dataVersion: Version;
  readonly reason: string;
  /** Users go on writing: it is for going back later, and never what later steps are undone with. */
  readonly served?: boolean;
}

/**
 * Copies the data, in one snapshot: nobody is kept from writing. When later steps changed it and are undone, the copy
 * takes its place again.
 */
export const rollbackPoint: StepKind<Point> = {
  name: "rollback-point",
  title: () => "copy the data to a rollback point",
  isolation: "repeatable read",
  async inside(tx, run) {
    const { version, dataVersion, reason, served } = run.with;
    // What users wrote so far, before a release's own SQL writes over it.
    if (served === true) await carryWrites(tx, run);
    const point = await takeRollbackPoint(tx, run, { version, dataVersion, reason, migrationId: run.migrationId });
    return {
      detail: { rollbackPointId: point.id, structure: point.fingerprint.structure },
      checksum: point.fingerprint.data,
    };
  },
  async undoInside(tx, run, recorded) {
    const point = await findRollbackPoint(tx.db, String(recorded["rollbackPointId"]));
    if (point === undefined || point.state !== "available") return;
    if (run.with.served === true) {
      await dropSchemaCopy(tx.client, point.copy);
      return setPointState(tx, point.id, "dropped");
    }
    const now = await fingerprintSchema(tx.client, run.schema);
    if (now.structure === point.fingerprint.structure && now.data === point.fingerprint.data) {
      await dropSchemaCopy(tx.client, point.copy);
    } else {
      await restoreSchemaCopy(tx.client, { copy: point.copy, schema: run.schema });
      await followRestored(tx, run, point.id);
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
