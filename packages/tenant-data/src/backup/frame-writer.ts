import { createHash } from "node:crypto";
import { FORMAT_VERSION, FRAME, FRAME_HEADER_BYTES, MAGIC } from "./backup-format.ts";
import type { BackupSink } from "./backup-sink.ts";
import { type BackupKey, type SealPlace, sealOf } from "./seal.ts";

/** Writes frames to a sink and digests all that was written. */
export interface FrameWriter {
  begin(): Promise<void>;
  note(type: keyof typeof FRAME, value: unknown): Promise<void>;
  data(packed: Buffer): Promise<void>;
  /** Writes nothing: what the digest of everything so far is. */
  seal(place: SealPlace): { sha256: string; hmac?: string };
  raw(bytes: Buffer): Promise<void>;
}

export function createFrameWriter(sink: BackupSink, key: BackupKey | undefined): FrameWriter {
  const hash = createHash("sha256");
  async function raw(bytes: Buffer): Promise<void> {
    hash.update(bytes);
    await sink.write(bytes);
  }
  function header(type: number, length: number): Buffer {
    const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
    bytes.writeUInt8(type, 0);
    bytes.writeUInt32BE(length, 1);
    return bytes;
  }
  return {
    raw,
    async begin() {
      const version = Buffer.alloc(4);
      version.writeUInt32BE(FORMAT_VERSION);
      await raw(Buffer.concat([MAGIC, version]));
    },
    async note(type, value) {
      const payload = Buffer.from(JSON.stringify(value));
      await raw(Buffer.concat([header(FRAME[type], payload.length), payload]));
    },
    async data(packed) {
      await raw(header(FRAME.data, packed.length));
      await raw(packed);
    },
    seal: (place) => sealOf(hash, place, key),
  };
}
