const CHUNK_BYTES = 2 ** 20;
const HEAD_BYTES = 8;

/**
 * Texts, each with a number, in large pieces of memory outside of the garbage collector's sight: 100,000 of them cost
 * it nothing. An address is above 0, and good until the text is released.
 */
export class ByteArena {
  readonly #chunks: Buffer[] = [];
  #end = CHUNK_BYTES;
  #live = 0;
  #dead = 0;

  /** Whether most of it is released: what is live should move to a new one. */
  get isWasteful(): boolean {
    return this.#dead > CHUNK_BYTES && this.#dead > this.#live;
  }

  /** @param number a whole number from 0 to 2³² − 1 */
  add(number: number, text: string): number {
    const length = Buffer.byteLength(text);
    const size = HEAD_BYTES + length;
    if (this.#end + size > CHUNK_BYTES) {
      // A text that is larger than a chunk has one of its own.
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(size, CHUNK_BYTES)));
      this.#end = 0;
    }
    const index = this.#chunks.length - 1;
    const start = this.#end;
    const chunk = this.#chunk(index);
    chunk.writeUInt32LE(number, start);
    chunk.writeUInt32LE(length, start + 4);
    chunk.write(text, start + HEAD_BYTES, "utf8");
    this.#end += size;
    this.#live += size;
    return index * CHUNK_BYTES + start + 1;
  }

  number(address: number): number {
    const [chunk, start] = this.#at(address);
    return chunk.readUInt32LE(start);
  }

  text(address: number): string {
    const [chunk, start] = this.#at(address);
    return chunk.toString("utf8", start + HEAD_BYTES, start + HEAD_BYTES + chunk.readUInt32LE(start + 4));
  }

  release(address: number): void {
    const [chunk, start] = this.#at(address);
    const size = HEAD_BYTES + chunk.readUInt32LE(start + 4);
    this.#live -= size;
    this.#dead += size;
  }

  #at(address: number): [Buffer, number] {
    const offset = address - 1;
    return [this.#chunk(Math.floor(offset / CHUNK_BYTES)), offset % CHUNK_BYTES];
  }

  #chunk(index: number): Buffer {
    const chunk = this.#chunks[index];
    if (chunk === undefined) throw new RangeError(`The arena has no chunk ${index}.`);
    return chunk;
  }
}
