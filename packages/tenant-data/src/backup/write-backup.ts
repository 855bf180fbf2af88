import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Transform, Writable } from "node:stream";
import type { ClientBase } from "pg";
import { END_MARK } from "./backup-format.ts";
import { type BackupCompression, type BackupManifest, type BackupMetadata, backupManifest } from "./backup-manifest.ts";
import { type BackupSink, openBackupSink } from "./backup-sink.ts";
import type { RowPiece } from "./copy-out.ts";
import { copyRowsOut } from "./copy-rows-out.ts";
import { createFrameWriter, type FrameWriter } from "./frame-writer.ts";
import { tablesHidingRows } from "./lift-row-security.ts";
import { proveRestorable } from "./prove-restorable.ts";
import type { BackupTable } from "./read-backup.ts";
import { createRowCompressor } from "./row-compression.ts";
import { readSchema } from "./read-schema.ts";
import { type BackupKey, checkKey } from "./seal.ts";
import { withSchemaSnapshot } from "./with-schema-snapshot.ts";

export interface BackupRequest {
  readonly schema: string;
  /** Any JSON; it is given back as it is. */
  readonly metadata: BackupMetadata;
  /** zstd unless said otherwise. */
  readonly compression?: BackupCompression;
  /** Signs the backup (HMAC-SHA-256), so that a restore with the same key takes no other. */
  readonly key?: BackupKey;
  /** Reads what else is to be known of the same moment, in the backup's own snapshot. */
  readonly inSnapshot?: (client: ClientBase) => Promise<void>;
}

export interface WrittenBackup {
  readonly manifest: BackupManifest;
  readonly tables: readonly BackupTable[];
}

/**
 * Writes a schema's definitions, rows and sequences, of one moment, to a stream (which is ended) or a file (which gets
 * its name when it is whole). Rows go on being written meanwhile, with one exception: a table that forces row-level
 * security on its owner is locked while its own rows are read, unless the session's role bypasses row-level security.
 *
 * `client` must have no transaction under way.
 *
 * @throws CopyUnsupportedError when the schema has something that a restore would lack; nothing is left behind then
 */
export async function writeBackup(
  client: ClientBase,
  request: BackupRequest,
  destination: Writable | string,
): Promise<WrittenBackup> {
  checkKey(request.key);
  const sink = await openBackupSink(destination);
  try {
    const written = await withSchemaSnapshot(client, request.schema, () => writeAll(client, request, sink));
    await sink.finish();
    return written;
  } catch (error) {
    await sink.abort(error);
    throw error;
  }
}

async function writeAll(client: ClientBase, request: BackupRequest, sink: BackupSink): Promise<WrittenBackup> {
  const { schema, metadata, compression = "zstd", key } = request;
  await request.inSnapshot?.(client);
  const read = await readSchema(client, schema);
  const manifest = backupManifest.parse({ ...read, compression, signed: key !== undefined, metadata });
  await proveRestorable(client, manifest);
  const writer = createFrameWriter(sink, key);
  await writer.begin();
  await writer.note("manifest", manifest);
  await writer.note("seal", writer.seal("head"));
  const hiding = await tablesHidingRows(client, schema);
  const tables: BackupTable[] = [];
  for (const [index, table] of manifest.tables.entries()) {
    await writer.note("table", { table: index });
    tables.push(
      await writeTable(client, schema, { table, hidesRows: hiding.has(table.name) }, { writer, compression }),
    );
  }
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  await writer.note("trailer", { tables: tables.length, rows, ...writer.seal("whole") });
  await writer.raw(END_MARK);
  return { manifest, tables };
}

async function writeTable(
  client: ClientBase,
  schema: string,
  source: { table: BackupManifest["tables"][number]; hidesRows: boolean },
  { writer, compression }: { writer: FrameWriter; compression: BackupCompression },
): Promise<BackupTable> {
  const hash = createHash("sha256");
  let bytes = 0;
  const rows = await copyRowsOut(client, schema, source, async (pieces) => {
    const compressor = createRowCompressor(compression);
    const feeding = feed(compressor, pieces, (piece) => {
      hash.update(piece);
      bytes += piece.length;
    });
    // Met when the compressor, which it destroys, is read.
    feeding.catch(() => undefined);
    for await (const packed of compressor) await writer.data(packed);
    await feeding;
  });
  const end = { rows, bytes, sha256: hash.digest("hex") };
  await writer.note("tableEnd", end);
  return { name: source.table.name, ...end };
}

/** Puts pieces into a compressor, each as soon as the one before it is under way, and releases them when it is done. */
async function feed(
  compressor: Transform,
  pieces: AsyncIterable<RowPiece>,
  seen: (bytes: Buffer) => void,
): Promise<void> {
  try {
    for await (const { bytes, release } of pieces) {
      seen(bytes);
      const more = compressor.write(bytes, () => release());
      if (!more && compressor.writableNeedDrain) await once(compressor, "drain");
    }
    compressor.end();
  } catch (error) {
    compressor.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
