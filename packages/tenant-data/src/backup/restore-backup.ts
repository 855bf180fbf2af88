import type { ClientBase } from "pg";
import type { BackupManifest } from "./backup-manifest.ts";
import { type BackupSource, bytesOf, bytesOfStream, withBackupFile } from "./backup-source.ts";
import { BackupUnusableError } from "./backup-unusable-error.ts";
import { ByteReader } from "./byte-reader.ts";
import { type BackupTable, readHead } from "./read-backup.ts";
import { type RestorePlace, restoreSchema } from "./restore-schema.ts";
import { inPortableTransaction } from "./in-portable-transaction.ts";
import { type BackupKey, checkKey } from "./seal.ts";
import { type VerifiedBackup, verifyBytes } from "./verify-backup.ts";

export interface RestoreRequest extends RestorePlace {
  /** Takes only a backup that was signed with this key. */
  readonly key?: BackupKey;
}

export interface RestoredBackup {
  readonly manifest: BackupManifest;
  readonly tables: readonly BackupTable[];
  /** Rights that were left out because their role is not here. */
  readonly leftOut: readonly string[];
}

/**
 * Makes a schema of a backup, in one transaction, as its owner. A file is read twice: the first time everything is
 * checked before anything is written. A stream is written as it comes, and committed after its last checksum held.
 *
 * `client` must have no transaction under way.
 *
 * @throws BackupUnusableError when the backup is not sound, BackupNotRestorableError when it is and does not fit here
 */
export async function restoreBackup(
  client: ClientBase,
  source: BackupSource,
  request: RestoreRequest,
): Promise<RestoredBackup> {
  checkKey(request.key);
  if (typeof source !== "string") return restoreBytes(client, bytesOfStream(source), request);
  return withBackupFile(source, async (file) => {
    const verified = await verifyBytes(bytesOf(file), request.key);
    return restoreBytes(client, bytesOf(file), request, verified);
  });
}

async function restoreBytes(
  client: ClientBase,
  bytes: AsyncIterable<Uint8Array>,
  request: RestoreRequest,
  verified?: VerifiedBackup,
): Promise<RestoredBackup> {
  const reader = new ByteReader(bytes);
  try {
    const manifest = await readHead(reader, request.key);
    return await inPortableTransaction(client, { schema: request.schema }, async () => {
      const restored = await restoreSchema(client, { reader, manifest, request });
      // The file was changed between the two readings, by somebody who made it sound again.
      if (verified !== undefined && verified.sha256 !== reader.hash.copy().digest("hex")) {
        throw new BackupUnusableError("altered", "it was changed while it was restored", reader.offset);
      }
      return { manifest, ...restored };
    });
  } finally {
    await reader.close();
  }
}
