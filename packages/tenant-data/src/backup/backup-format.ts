import { z } from "zod";

// The form of a backup: docs/reference/backup-format.md. A change that an older reader would misread gets a new version.

export const MAGIC = Buffer.from("AIBOSBAK", "latin1");
export const FORMAT_VERSION = 1;
export const END_MARK = Buffer.from("AIBOSEND", "latin1");

/** Frames are one byte of type, four bytes of length (big-endian), and the payload. */
export const FRAME_HEADER_BYTES = 5;
export const FRAME = { manifest: 0x4d, seal: 0x53, table: 0x54, data: 0x44, tableEnd: 0x45, trailer: 0x5a } as const;

/** Rows are handled in pieces of at most this many bytes, before compression. */
export const PIECE_BYTES = 1024 * 1024;

/** No reader holds more than this at once, whatever a file claims. */
export const LONGEST = { manifest: 256 * 1024 * 1024, data: 4 * PIECE_BYTES, note: 64 * 1024 } as const;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

/** Over every byte before it; `hmac` where the backup is signed. */
export const sealNote = z.strictObject({ sha256: digest, hmac: digest.optional() });
export const tableNote = z.strictObject({ table: count });
/** `bytes` and `sha256` are those of the rows as COPY wrote them, before compression. */
export const tableEndNote = z.strictObject({ rows: count, bytes: count, sha256: digest });
export const trailerNote = z.strictObject({ tables: count, rows: count, sha256: digest, hmac: digest.optional() });
