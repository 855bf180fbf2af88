import { randomBytes } from "node:crypto";
import type { Version } from "@aibos/domain";
import {
  fingerprintSchema,
  type SchemaFingerprint,
  takeWriteBaseline,
  verifyBackup,
  writeBackup as writeFile,
  type WriteBaseline,
} from "@aibos/tenant-data";
import { backupFileStart } from "../../backups/backup-folder.ts";
import { readBelongings } from "../../belongings/belongings.ts";
import { newestEntry } from "../../customizations/customization-entries.ts";
import type { Detail, StepKind } from "../migration-step.ts";

interface BackupSubject {
  readonly version: Version;
  readonly dataVersion: Version;
  readonly reason: string;
}

/** What was read of the moment that the backup is of. */
interface Moment {
  readonly at: Date;
  readonly baseline: WriteBaseline;
  readonly fingerprint: SchemaFingerprint;
}

/**
 * Removes the files of tries that came to nothing. A step of its own, when it is entered which file counts: whoever lost
 * its place at the fence may come here, too, and must not take the file of who has it for a leftover.
 */
export const sweepTries: StepKind<object> = {
  name: "sweep-tries",
  title: () => "remove what earlier tries left",
  async outside(run) {
    const written = await run.earlier(undefined, writeBackup.name);
    await run.platform.backups.folder.removeBeginning(backupFileStart(run), String(written?.["file"]));
    return {};
  },
};

/**
 * Writes a backup to a file that gets its name when it is whole, and reads it back. Each try writes a file of its own: a
 * process that was taken for dead may still be at its own. Undone, all of them are gone.
 */
export const writeBackup: StepKind<BackupSubject> = {
  name: "write-backup",
  title: () => "write the data to a backup, and read it back",
  async outside(run) {
    const { platform, tenant, module, schema, migrationId, with: subject } = run;
    const { folder, key } = platform.backups;
    const file = `${backupFileStart(run)}${randomBytes(3).toString("hex")}.aibosbak`;
    const { belongings, mark } = await run.fenced(async ({ db }) => ({
      belongings: await readBelongings(db, run, subject.version),
      mark: await newestEntry(db, run),
    }));
    const { digest } = await platform.modules.getVersion(module, subject.version);
    const id = `bk_${migrationId.replace(/^mig_/, "")}`;
    const metadata = JSON.parse(
      JSON.stringify({ backup: id, tenant, module, ...subject, digest, customizationMark: mark, belongings }),
    ) as never;
    const path = await folder.place(file);
    const client = await platform.data.connect();
    const moments: Moment[] = [];
    try {
      const inSnapshot = async (): Promise<void> => {
        const { rows } = await client.query<{ at: Date }>("select clock_timestamp() as at");
        const baseline = await takeWriteBaseline(client, schema);
        moments.push({
          at: rows[0]?.at ?? new Date(0),
          baseline,
          fingerprint: await fingerprintSchema(client, schema),
        });
      };
      await writeFile(client, { schema, metadata, key, inSnapshot }, path);
    } finally {
      await client.end();
    }
    const [moment] = moments;
    if (moment === undefined) throw new Error("The backup was written and no snapshot was taken.");
    const { bytes, sha256 } = await verifyBackup(path, { key });
    const { at, baseline, fingerprint } = moment;
    const { structure, data, tables } = fingerprint;
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    return {
      backupId: id,
      file,
      bytes,
      sha256,
      structure,
      data,
      tables: tables.length,
      rows,
      customizationMark: mark,
      at: at.toISOString(),
      baseline,
    };
  },
  async inside(tx, run, found) {
    const { baseline, ...told } = found;
    const { version, dataVersion, reason } = run.with;
    await tx.db
      .insertInto("backups")
      .values({
        id: String(found["backupId"]),
        tenant: run.tenant,
        module: run.module,
        version,
        data_version: dataVersion,
        migration_id: run.migrationId,
        reason,
        file: String(found["file"]),
        tables: Number(found["tables"]),
        rows: Number(found["rows"]),
        bytes: Number(found["bytes"]),
        sha256: String(found["sha256"]),
        structure_fingerprint: String(found["structure"]),
        data_fingerprint: String(found["data"]),
        write_baseline: JSON.stringify(baseline),
        customization_mark: Number(found["customizationMark"]),
        created_at: new Date(String(found["at"])),
      })
      .execute();
    return { detail: told satisfies Detail, checksum: String(found["data"]) };
  },
  async undoInside(tx, _run, recorded) {
    await tx.db.deleteFrom("backups").where("id", "=", String(recorded["backupId"])).execute();
  },
  undoOutside: (run) => run.platform.backups.folder.removeBeginning(backupFileStart(run)),
};
