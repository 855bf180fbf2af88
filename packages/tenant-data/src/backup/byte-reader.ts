import { createHash, type Hash } from "node:crypto";
import { BackupUnusableError } from "./backup-unusable-error.ts";

/** Reads exact numbers of bytes from a stream of buffers, and digests what it gave. */
export class ByteReader {
  readonly hash: Hash = createHash("sha256");
  offset = 0;
  readonly #source: AsyncIterator<Uint8Array>;
  #buffers: Buffer[] = [];
  #held = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** @throws BackupUnusableError when the source ends before */
  async read(length: number, what: string): Promise<Buffer> {
    while (this.#held < length) {
      if (!(await this.#pull())) {
        throw new BackupUnusableError("truncated", `it ends in the middle of ${what}`, this.offset + this.#held);
      }
    }
    const bytes = this.#take(length);
    this.hash.update(bytes);
    this.offset += length;
    return bytes;
  }

  /** Whether the source is at its end. */
  async atEnd(): Promise<boolean> {
    return this.#held === 0 && !(await this.#pull());
  }

  /** Lets go of the source before its end. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #pull(): Promise<boolean> {
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      const { value } = next;
      if (value.length === 0) continue;
      this.#buffers.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      this.#held += value.length;
      return true;
    }
  }

  #take(length: number): Buffer {
    const [first] = this.#buffers;
    this.#held -= length;
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#buffers.shift();
      else this.#buffers[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const part = this.#buffers.shift();
      if (part === undefined) break;
      if (part.length > missing) this.#buffers.unshift(part.subarray(missing));
      parts.push(part.subarray(0, missing));
      missing -= Math.min(part.length, missing);
    }
    return Buffer.concat(parts, length);
  }
}
