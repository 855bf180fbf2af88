import { DataLossNotAcceptedError, RollbackPointNotFoundError } from "@aibos/contract";
import { type ModuleId, rollbackSchemaName, type TenantId, type Version } from "@aibos/domain";
import { createSchemaCopy, fingerprintSchema, readLiveVersionNames, restoreSchemaCopy } from "@aibos/tenant-data";
import type { ControlTransaction } from "../../../db/control-database.ts";
import {
  findRollbackPoint,
  keepSwappedOut,
  newId,
  setPointState,
  type StoredRollbackPoint,
} from "../../rollback-points/rollback-points.ts";
import { countLostWrites, followRestored } from "../../rollback-points/counted-writes.ts";
import { type PutBelongings, putBelongings, takeBelongingsBack } from "../../belongings/belongings.ts";
import type { StepKind } from "../migration-step.ts";
import { lockTables } from "../lock-tables.ts";
import { setDataVersion } from "../set-data-version.ts";
import { addEntry, presentEntries, takeBackEntries } from "../../customizations/customization-entries.ts";
import {
  restoreCustomizations,
  type Revived,
  unrestoreCustomizations,
} from "../../customizations/restore-customizations.ts";

interface Restore {
  rollbackPointId: string;
  acceptDataLoss: boolean;
  /** What serves now, and the version of the data that it uses: kept as a rollback point of its own. */
  version: Version;
  dataVersion: Version;
  /** The newest version of the present data. */
  newestDataVersion: Version;
}

/**
 * Swaps the data with a rollback point's copy, by rename. The writes that this loses are counted once more, now that
 * requests are held; the data swapped out becomes a rollback point, so that this can be undone too.
 */
export const restoreData: StepKind<Restore> = {
  name: "restore-data",
  title: ({ rollbackPointId }) => `put the data of ${rollbackPointId} in place`,
  async inside(tx, run) {
    const { rollbackPointId, acceptDataLoss, version, dataVersion } = run.with;
    const point = await usablePoint(tx, rollbackPointId);
    // Before anything is locked: what takes long about the copy is reading it.
    const restored = await fingerprintSchema(tx.client, point.copy);
    if (restored.structure !== point.fingerprint.structure || restored.data !== point.fingerprint.data) {
      throw new Error(`The copy of rollback point ${point.id} was changed since it was taken; nothing was restored.`);
    }
    await lockTables(tx.client, run.schema);
    const lostWrites = await countLostWrites(tx, point.id, run.schema);
    if (lostWrites.length > 0 && !acceptDataLoss) {
      throw new DataLossNotAcceptedError(point, lostWrites);
    }
    const id = newId();
    const aside = asideName(run, id);
    const fingerprint = await fingerprintSchema(tx.client, run.schema);
    await restoreSchemaCopy(tx.client, { copy: point.copy, schema: run.schema, aside });
    const moved = await followRestored(tx, run, point.id);
    // One of its versions is left alone by the step after this; the point itself stays what it is.
    const several = (await readLiveVersionNames(tx.client, run.schema)).length > 1;
    if (several) await createSchemaCopy(tx.client, { from: run.schema, to: point.copy });
    else await setPointState(tx, point.id, "restored");
    const kept = await keepSwappedOut(tx, run, {
      id,
      version,
      dataVersion,
      migrationId: run.migrationId,
      reason: `before going back to ${point.id}`,
      copy: aside,
      fingerprint,
      moved,
    });
    await setDataVersion(tx, run, point.dataVersion);
    const revived = await restoreCustomizations(tx.db, run, {
      version: point.version,
      mark: point.customizationMark,
      takenAt: point.createdAt,
      migrationId: run.migrationId,
    });
    const given = await carriedCustomizations(tx, run, point);
    const before =
      point.belongings === null
        ? null
        : await putBelongings(tx, run, point.belongings, `going back to ${point.version} (${point.id})`);
    return {
      detail: { restored: point.id, rollbackPointId: kept.id, lostWrites, copied: several, revived, given, before },
      checksum: restored.data,
    };
  },
  async undoInside(tx, run, recorded) {
    const kept = await usablePoint(tx, String(recorded["rollbackPointId"]));
    const point = await findRollbackPoint(tx.db, run.with.rollbackPointId);
    if (point === undefined) throw new RollbackPointNotFoundError(run.with.rollbackPointId, "unknown");
    if (recorded["copied"] === true) {
      await restoreSchemaCopy(tx.client, { copy: kept.copy, schema: run.schema });
    } else {
      await restoreSchemaCopy(tx.client, { copy: kept.copy, schema: run.schema, aside: point.copy });
      await setPointState(tx, point.id, "available");
    }
    await followRestored(tx, run, kept.id);
    await setPointState(tx, kept.id, "dropped");
    await setDataVersion(tx, run, run.with.newestDataVersion);
    const before = (recorded["before"] ?? null) as PutBelongings | null;
    if (before !== null) await takeBelongingsBack(tx, run, before, `going back to ${point.version} was undone`);
    const revived = (recorded["revived"] ?? []) as Revived;
    if (Number(recorded["given"] ?? 0) > 0) await takeBackEntries(tx.db, run, point.version, run.migrationId);
    await unrestoreCustomizations(tx.db, { migrationId: run.migrationId, revived });
  },
};

/**
 * What a backup says the tenant had customised, where the history does not have it: entries are made anew. Resolves to
 * how many.
 */
async function carriedCustomizations(
  { db }: ControlTransaction,
  { tenant, module, migrationId }: { tenant: TenantId; module: ModuleId; migrationId: string },
  { version, belongings }: StoredRollbackPoint,
): Promise<number> {
  const present = new Map((await presentEntries(db, { tenant, module }, version)).map((entry) => [entry.name, entry]));
  let given = 0;
  for (const { name, base, content, author } of belongings?.customizations ?? []) {
    if (present.get(name)?.content === content) continue;
    await addEntry(db, { tenant, module, version, name, base, content, origin: "restore", author, migrationId });
    given += 1;
  }
  return given;
}

/** @throws RollbackPointNotFoundError */
async function usablePoint({ db }: ControlTransaction, id: string): Promise<StoredRollbackPoint> {
  const point = await findRollbackPoint(db, id);
  if (point === undefined) throw new RollbackPointNotFoundError(id, "unknown");
  if (point.state !== "available") throw new RollbackPointNotFoundError(id, point.state);
  return point;
}

function asideName({ tenant, module }: { tenant: TenantId; module: ModuleId }, id: string): string {
  return rollbackSchemaName(tenant, module, id);
}
