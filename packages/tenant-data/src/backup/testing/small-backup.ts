import { createHash } from "node:crypto";
import { END_MARK } from "../backup-format.ts";
import type { BackupManifest } from "../backup-manifest.ts";
import { createFrameWriter } from "../frame-writer.ts";
import { createRowCompressor } from "../row-compression.ts";
import type { BackupKey } from "../seal.ts";

export interface SmallBackup {
  readonly key?: BackupKey;
  readonly manifest?: Partial<BackupManifest>;
  /** COPY's text of each table. */
  readonly rows?: Readonly<Record<string, string>>;
}

/** Writes a backup by hand, sound in its form, whatever it says. */
export async function smallBackup({
  key,
  manifest,
  rows = { notes: "1\thello\n2\t\\N\n" },
}: SmallBackup = {}): Promise<Buffer> {
  const parts: Buffer[] = [];
  const sink = {
    write: async (bytes: Buffer) => void parts.push(bytes),
    finish: async () => undefined,
    abort: async () => undefined,
  };
  const said: BackupManifest = {
    format: "aibos-backup",
    version: 1,
    createdAt: "2026-01-02T03:04:05.678Z",
    postgres: { version: "18.0", major: 18, encoding: "UTF8" },
    compression: "zstd",
    signed: key !== undefined,
    schema: { name: "t__acme__books", owner: "acme", comment: null, rights: null, defaultRights: [], namedIn: [] },
    roles: [],
    tables: Object.keys(rows).map((name) => ({ name, columns: ["id", "body"] })),
    sequences: [],
    statements: { beforeData: ["create table notes (id integer, body text)"], afterData: [] },
    structure: [],
    metadata: { version: "1.5.0" },
    ...manifest,
  };
  const writer = createFrameWriter(sink, key);
  await writer.begin();
  await writer.note("manifest", said);
  await writer.note("seal", writer.seal("head"));
  let total = 0;
  for (const [index, text] of Object.values(rows).entries()) {
    const bytes = Buffer.from(text);
    const count = text.split("\n").length - 1;
    total += count;
    await writer.note("table", { table: index });
    for await (const packed of createRowCompressor(said.compression).end(bytes)) await writer.data(Buffer.from(packed));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await writer.note("tableEnd", { rows: count, bytes: bytes.length, sha256 });
  }
  await writer.note("trailer", { tables: Object.keys(rows).length, rows: total, ...writer.seal("whole") });
  await writer.raw(END_MARK);
  return Buffer.concat(parts);
}

/** A stream that gives bytes in pieces of a length. */
export function* inPieces(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
