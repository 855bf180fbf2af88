import { type BackupManifest } from "./backup-manifest.ts";
import { type BackupSource, withBackupBytes } from "./backup-source.ts";
import { ByteReader } from "./byte-reader.ts";
import { type BackupTable, readHead, readTables } from "./read-backup.ts";
import { type BackupKey, checkKey } from "./seal.ts";

/** What a sound backup holds. */
export interface VerifiedBackup {
  readonly manifest: BackupManifest;
  readonly tables: readonly BackupTable[];
  /** Of the whole file. */
  readonly bytes: number;
  /** Of the whole file, in hexadecimal: one backup is another only when these are the same. */
  readonly sha256: string;
}

const NEWLINE = 0x0a;

/**
 * Reads a whole backup and checks all of it, without a database. With a key, it must be signed with that.
 *
 * @throws BackupUnusableError
 */
export async function verifyBackup(source: BackupSource, { key }: { key?: BackupKey } = {}): Promise<VerifiedBackup> {
  checkKey(key);
  return withBackupBytes(source, (bytes) => verifyBytes(bytes, key));
}

/** Reads what a backup says of itself; its rows are not looked at. @throws BackupUnusableError */
export async function readBackupManifest(
  source: BackupSource,
  { key }: { key?: BackupKey } = {},
): Promise<BackupManifest> {
  checkKey(key);
  return withBackupBytes(source, async (bytes) => {
    const reader = new ByteReader(bytes);
    try {
      return await readHead(reader, key);
    } finally {
      await reader.close();
    }
  });
}

export async function verifyBytes(
  bytes: AsyncIterable<Uint8Array>,
  key: BackupKey | undefined,
): Promise<VerifiedBackup> {
  const reader = new ByteReader(bytes);
  try {
    const manifest = await readHead(reader, key);
    const tables = await readTables(reader, manifest, key, async (_table, rows) => ({ rows: await countRows(rows) }));
    return { manifest, tables, bytes: reader.offset, sha256: reader.hash.digest("hex") };
  } finally {
    await reader.close();
  }
}

/** COPY's text has one newline a row: those in values are escaped. */
async function countRows(pieces: AsyncIterable<Buffer>): Promise<number> {
  let rows = 0;
  for await (const piece of pieces) {
    for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, at + 1)) rows += 1;
  }
  return rows;
}
