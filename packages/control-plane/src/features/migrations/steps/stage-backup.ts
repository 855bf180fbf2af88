import { BackupNotFoundError } from "@aibos/contract";
import { rollbackSchemaName, type Version } from "@aibos/domain";
import { dropSchemaCopy, fingerprintSchema, restoreBackup, takeLiveVersionsDown } from "@aibos/tenant-data";
import { z } from "zod";
import { belongingsSchema } from "../../../db/stored-belongings.ts";
import { requireBackup } from "../../backups/stored-backup.ts";
import { enterPastPoint, findRollbackPoint, setPointState } from "../../rollback-points/rollback-points.ts";
import type { StepKind, StepRun } from "../migration-step.ts";

interface Stage {
  readonly backupId: string;
  /** The rollback point to make of it. */
  readonly pointId: string;
  readonly version: Version;
  readonly dataVersion: Version;
}

const metadataSchema = z.object({ backup: z.string(), customizationMark: z.number(), belongings: belongingsSchema });

/**
 * Makes a rollback point of a backup while users go on: from there it is put in place by rename, as any other. Nothing
 * that users see is touched. The sessions of a process that is declared dead are ended.
 */
export const stageBackup: StepKind<Stage> = {
  name: "stage-backup",
  title: ({ backupId }) => `read backup ${backupId} into the database`,
  async outside(run) {
    const { platform, with: subject } = run;
    const { folder, key } = platform.backups;
    const copy = copyOf(run);
    const client = await platform.data.connect();
    try {
      // Whoever lost its place at the fence may be at it still, and comes to its end first.
      await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [`aibos stage ${copy}`]);
      const { file } = await run.fenced(async (tx) => {
        await dropSchemaCopy(tx.client, copy);
        return requireBackup(tx.db, subject.backupId);
      });
      if (!(await folder.has(file))) throw new BackupNotFoundError(subject.backupId, { folder: folder.folder, file });
      const path = await folder.place(file);
      const place = { schema: copy, owner: run.role, standsInFor: run.schema };
      const { manifest } = await restoreBackup(client, path, { ...place, key });
      const { backup, customizationMark, belongings } = metadataSchema.parse(manifest.metadata);
      if (backup !== subject.backupId) throw new Error(`${path} is backup ${backup}, not ${subject.backupId}.`);
      // A copy has the state of live versions, and not what is derived from it.
      await client.query("begin");
      await takeLiveVersionsDown(client, copy);
      await client.query("commit");
      return { customizationMark, belongings };
    } finally {
      await client.end();
    }
  },
  async inside(tx, run, found) {
    const { backupId, pointId, version, dataVersion } = run.with;
    const backup = await requireBackup(tx.db, backupId);
    const copy = copyOf(run);
    const fingerprint = await fingerprintSchema(tx.client, copy);
    if (fingerprint.data !== backup.data_fingerprint || fingerprint.structure !== backup.structure_fingerprint) {
      throw new Error(`What was made of backup ${backupId} is not what was backed up; nothing was restored.`);
    }
    await enterPastPoint(tx, run, {
      id: pointId,
      version,
      dataVersion,
      migrationId: run.migrationId,
      reason: `of backup ${backupId}`,
      copy,
      fingerprint,
      baseline: backup.write_baseline,
      past: {
        at: backup.created_at,
        customizationMark: Number(found["customizationMark"]),
        belongings: belongingsSchema.parse(found["belongings"]),
        carriedWrites: backup.carried_writes,
      },
    });
    return { detail: { staged: pointId }, checksum: fingerprint.data };
  },
  async undoInside(tx, run) {
    await setPointState(tx, run.with.pointId, "dropped");
  },
  async undoOutside(run) {
    await run.fenced(async (tx) => {
      const point = await findRollbackPoint(tx.db, run.with.pointId);
      if (point === undefined || point.state === "dropped") await dropSchemaCopy(tx.client, copyOf(run));
    });
  },
};

function copyOf({ tenant, module, with: { pointId } }: StepRun<Stage>): string {
  return rollbackSchemaName(tenant, module, pointId);
}
