import { createHash } from "node:crypto";
import type { z } from "zod";
import {
  END_MARK,
  FORMAT_VERSION,
  FRAME,
  FRAME_HEADER_BYTES,
  LONGEST,
  MAGIC,
  sealNote,
  tableEndNote,
  tableNote,
  trailerNote,
} from "./backup-format.ts";
import { type BackupManifest, backupManifest } from "./backup-manifest.ts";
import { BackupUnusableError } from "./backup-unusable-error.ts";
import type { ByteReader } from "./byte-reader.ts";
import { isZlibError, unpack } from "./unpack.ts";
import { type BackupKey, isSignedBy, type SealPlace } from "./seal.ts";

/** One table's rows in a backup. */
export interface BackupTable {
  readonly name: string;
  readonly rows: number;
  /** Before compression. */
  readonly bytes: number;
  readonly sha256: string;
}

/** Takes the rows of one table as they come, as COPY's text. */
export type RowsConsumer = (
  table: BackupManifest["tables"][number],
  rows: AsyncIterable<Buffer>,
) => Promise<{ rows: number }>;

/** Reads the start of a backup to the first seal, which is verified. */
export async function readHead(reader: ByteReader, key: BackupKey | undefined): Promise<BackupManifest> {
  const magic = await reader.read(MAGIC.length, "its first bytes").catch((error: unknown) => {
    throw error instanceof BackupUnusableError ? foreign(error) : error;
  });
  if (!magic.equals(MAGIC)) throw foreign();
  const version = (await reader.read(4, "the format's version")).readUInt32BE();
  if (version > FORMAT_VERSION) {
    throw new BackupUnusableError(
      "too new",
      `its format is version ${version}, and ${FORMAT_VERSION} is the newest known`,
      8,
    );
  }
  if (version !== FORMAT_VERSION) throw new BackupUnusableError("altered", `there is no format version ${version}`, 8);
  const start = reader.offset;
  const payload = await readPayload(reader, "manifest", LONGEST.manifest);
  // Nothing of the manifest is looked at before its seal holds.
  await readSeal(reader, "head", key);
  const manifest = parseNote(backupManifest, payload, "the manifest", start);
  if (manifest.signed !== (key !== undefined) && key !== undefined) {
    throw new BackupUnusableError("signature missing", "its manifest says that it was written without a key", start);
  }
  return manifest;
}

/** Reads all rows to the last checksum. @throws BackupUnusableError where anything is not as it was written */
export async function readTables(
  reader: ByteReader,
  manifest: BackupManifest,
  key: BackupKey | undefined,
  consume: RowsConsumer,
): Promise<BackupTable[]> {
  const tables: BackupTable[] = [];
  for (const [index, table] of manifest.tables.entries()) {
    const start = reader.offset;
    const { table: found } = await readNote(reader, "table", tableNote);
    if (found !== index) throw new BackupUnusableError("altered", `table ${found} comes where ${index} must`, start);
    tables.push(await readTable(reader, { manifest, table, key }, consume));
  }
  const start = reader.offset;
  const computed = reader.hash.copy().digest("hex");
  const trailer = await readNote(reader, "trailer", trailerNote);
  checkSeal({ ...trailer, offset: start, computed }, "whole", key);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (trailer.tables !== tables.length || trailer.rows !== rows) {
    throw new BackupUnusableError(
      "altered",
      "the trailer's numbers of tables and rows are not those of the file",
      start,
    );
  }
  const end = reader.offset;
  if (!(await reader.read(END_MARK.length, "the end mark")).equals(END_MARK)) {
    throw new BackupUnusableError("altered", "the end mark is not there", end);
  }
  if (!(await reader.atEnd()))
    throw new BackupUnusableError("altered", "something follows the end mark", reader.offset);
  return tables;
}

async function readTable(
  reader: ByteReader,
  {
    manifest,
    table,
    key,
  }: { manifest: BackupManifest; table: BackupManifest["tables"][number]; key: BackupKey | undefined },
  consume: RowsConsumer,
): Promise<BackupTable> {
  const hash = createHash("sha256");
  const start = reader.offset;
  let bytes = 0;
  let end: z.infer<typeof tableEndNote> | undefined;
  let reading: Promise<unknown> = Promise.resolve();
  async function* packed(): AsyncGenerator<Buffer> {
    for (;;) {
      const offset = reader.offset;
      const frame = readFrame(reader, `the rows of ${table.name}`, LONGEST.data);
      reading = frame;
      const { type, payload } = await frame;
      if (type === FRAME.tableEnd) {
        end = parseNote(tableEndNote, payload, `the end of ${table.name}`, offset);
        return;
      }
      if (type !== FRAME.data) throw new BackupUnusableError("altered", `an unknown frame is in ${table.name}`, offset);
      yield payload;
    }
  }
  async function* rows(): AsyncGenerator<Buffer> {
    for await (const raw of unpack(packed(), manifest.compression)) {
      hash.update(raw);
      bytes += raw.length;
      yield raw;
    }
    if (end === undefined || end.bytes !== bytes || end.sha256 !== hash.digest("hex")) {
      throw new BackupUnusableError("altered", `the rows of ${table.name} don't have their checksum`, start);
    }
  }
  const consumed = await consume(table, rows()).catch(async (cause: unknown) => {
    if (cause instanceof BackupUnusableError) throw cause;
    if (isZlibError(cause)) {
      throw new BackupUnusableError("altered", `the rows of ${table.name} can't be decompressed`, start, { cause });
    }
    // Rows that don't fit may be altered ones: that is for the checksum of the whole to say.
    await reading.catch(() => undefined);
    await checkRest(reader, key);
    throw cause;
  });
  if (end === undefined || consumed.rows !== end.rows) {
    throw new BackupUnusableError(
      "altered",
      `${table.name} has ${consumed.rows} rows, not ${end?.rows ?? "any"}`,
      start,
    );
  }
  return { name: table.name, ...end };
}

/** Reads to the trailer for nothing but its checksum. */
async function checkRest(reader: ByteReader, key: BackupKey | undefined): Promise<void> {
  for (;;) {
    const offset = reader.offset;
    const computed = reader.hash.copy().digest("hex");
    const { type, payload } = await readFrame(reader, "the rows", LONGEST.data);
    if (type !== FRAME.trailer) continue;
    return checkSeal({ ...parseNote(trailerNote, payload, "the trailer", offset), offset, computed }, "whole", key);
  }
}

async function readSeal(reader: ByteReader, place: SealPlace, key: BackupKey | undefined): Promise<void> {
  const offset = reader.offset;
  const computed = reader.hash.copy().digest("hex");
  checkSeal({ ...(await readNote(reader, "seal", sealNote)), offset, computed }, place, key);
}

function checkSeal(
  seal: { sha256: string; hmac?: string | undefined; offset: number; computed: string },
  place: SealPlace,
  key: BackupKey | undefined,
): void {
  const what = place === "head" ? "the manifest" : "the file";
  if (seal.sha256 !== seal.computed)
    throw new BackupUnusableError("altered", `${what} does not have its checksum`, seal.offset);
  if (key === undefined) return;
  if (seal.hmac === undefined) throw new BackupUnusableError("signature missing", `${what} is not signed`, seal.offset);
  if (!isSignedBy(seal, place, key)) {
    throw new BackupUnusableError("signature wrong", `${what} was not signed with this key`, seal.offset);
  }
}

async function readNote<T>(reader: ByteReader, type: keyof typeof FRAME, schema: z.ZodType<T>): Promise<T> {
  const offset = reader.offset;
  return parseNote(schema, await readPayload(reader, type, LONGEST.note), `the ${type}`, offset);
}

async function readPayload(reader: ByteReader, type: keyof typeof FRAME, longest: number): Promise<Buffer> {
  const offset = reader.offset;
  const frame = await readFrame(reader, `the ${type}`, longest);
  if (frame.type === FRAME[type]) return frame.payload;
  throw new BackupUnusableError("altered", `the ${type} is not where it must be`, offset);
}

function parseNote<T>(schema: z.ZodType<T>, payload: Buffer, what: string, offset: number): T {
  try {
    return schema.parse(JSON.parse(payload.toString()));
  } catch (cause) {
    throw new BackupUnusableError("altered", `${what} does not have its form`, offset, { cause });
  }
}

async function readFrame(
  reader: ByteReader,
  what: string,
  longest: number,
): Promise<{ type: number; payload: Buffer }> {
  const offset = reader.offset;
  const header = await reader.read(FRAME_HEADER_BYTES, what);
  const length = header.readUInt32BE(1);
  if (length > longest) throw new BackupUnusableError("altered", `${what} would have ${length} bytes`, offset);
  return { type: header.readUInt8(0), payload: await reader.read(length, what) };
}

function foreign(cause?: unknown): BackupUnusableError {
  return new BackupUnusableError("not a backup", "it does not begin as one does", 0, { cause });
}
