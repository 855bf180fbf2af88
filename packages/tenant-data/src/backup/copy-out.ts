import type { Duplex } from "node:stream";
import type { Connection, Submittable } from "pg";
import { PIECE_BYTES } from "./backup-format.ts";

/** What PostgreSQL sends while it copies: one byte of type, four of length (which counts itself), the payload. */
const HEADER_BYTES = 5;
const COPY_DATA = 0x64;
const PASSED_OVER: ReadonlySet<number> = new Set([
  0x48, // the answer that copying begins
  0x4e, // notices
  0x53, // settings that changed
  0x41, // notifications
]);

/** Pieces that are filled or under way at once. */
const PIECES = 3;

/** A part of the rows. Its memory is used again when it is released. */
export interface RowPiece {
  readonly bytes: Buffer;
  readonly release: () => void;
}

/**
 * `COPY … TO STDOUT` as pieces of a fixed number of buffers. PostgreSQL sends each row as a message; here its payload
 * goes from the socket's buffer into a piece and is nowhere else, so that memory stays flat and a row costs no object.
 *
 * While rows come it takes the place of the driver's own listener on the connection; everything else that the server says,
 * such as an error or the end, is given to the driver.
 */
export class CopyOut implements Submittable {
  /** Known after the last piece. */
  rowCount = 0;
  readonly #sql: string;
  #socket: Duplex | undefined;
  #driver: ((chunk: Buffer) => void) | undefined;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerHeld = 0;
  #payloadLeft = 0;
  #keep = false;
  /** What the socket gave and no piece has room for. */
  #pending: Buffer | undefined;
  readonly #free: Buffer[] = [];
  #made = 0;
  #filling: Buffer | undefined;
  #filled = 0;
  readonly #ready: RowPiece[] = [];
  #ended = false;
  #error: unknown;
  #discard = false;
  #wake: (() => void) | undefined;

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** The driver calls it when it is this query's turn. */
  submit(connection: Connection): void {
    const socket = connection.stream;
    const [driver, ...others] = socket.listeners("data");
    if (driver === undefined || others.length > 0) throw new Error("the driver does not listen as it is expected to");
    this.#socket = socket;
    this.#driver = (chunk) => void driver.call(socket, chunk);
    this.#restore = () => {
      socket.off("data", this.#onData);
      socket.on("data", driver as (chunk: Buffer) => void);
    };
    socket.off("data", driver as (chunk: Buffer) => void);
    socket.on("data", this.#onData);
    connection.query(this.#sql);
  }

  /** All rows. Whoever stops early must call {@link discard}. */
  async *pieces(): AsyncGenerator<RowPiece> {
    for (;;) {
      const piece = this.#ready.shift();
      if (piece !== undefined) yield piece;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** COPY can't be ended from this side: reads the rest for nothing, after which the session is of use again. */
  async discard(): Promise<void> {
    this.#discard = true;
    this.#ready.length = 0;
    this.#filled = 0;
    this.#resume();
    while (!this.#ended && this.#error === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** The driver calls these. */
  handleError(error: Error): void {
    this.#finish();
    this.#error ??= error;
    this.#wake?.();
  }
  handleCommandComplete(message: { text: string }): void {
    this.rowCount = Number(/^COPY (\d+)$/.exec(message.text)?.[1] ?? 0);
  }
  handleReadyForQuery(): void {
    this.#ended = true;
    this.#wake?.();
  }

  #restore: (() => void) | undefined;

  readonly #onData = (chunk: Buffer): void => {
    const rest = this.#read(chunk);
    if (rest === undefined) return;
    this.#pending = rest;
    this.#socket?.pause();
  };

  /** Takes what it can; gives back what has no room. */
  #read(chunk: Buffer): Buffer | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const room = this.#keep ? this.#room() : this.#payloadLeft;
        if (room === 0) return chunk.subarray(at);
        const length = Math.min(this.#payloadLeft, chunk.length - at, room);
        if (this.#keep) this.#put(chunk, at, length);
        at += length;
        this.#payloadLeft -= length;
        continue;
      }
      if (this.#headerHeld === 0) {
        const type = chunk[at];
        if (type !== COPY_DATA && !PASSED_OVER.has(type ?? 0)) {
          this.#finish();
          this.#driver?.(chunk.subarray(at));
          return undefined;
        }
      }
      if (this.#headerHeld === 0 && chunk.length - at >= HEADER_BYTES) {
        this.#keep = chunk[at] === COPY_DATA && !this.#discard;
        this.#payloadLeft = chunk.readUInt32BE(at + 1) - 4;
        at += HEADER_BYTES;
        continue;
      }
      this.#header[this.#headerHeld] = chunk[at] ?? 0;
      this.#headerHeld += 1;
      at += 1;
      if (this.#headerHeld < HEADER_BYTES) continue;
      this.#headerHeld = 0;
      this.#keep = this.#header[0] === COPY_DATA && !this.#discard;
      this.#payloadLeft = this.#header.readUInt32BE(1) - 4;
    }
    return undefined;
  }

  /** Room in the piece that is being filled; none when all are under way. */
  #room(): number {
    if (this.#discard) return Number.POSITIVE_INFINITY;
    if (this.#filling === undefined) {
      this.#filling = this.#free.pop();
      if (this.#filling === undefined && this.#made < PIECES) {
        this.#made += 1;
        this.#filling = Buffer.allocUnsafeSlow(PIECE_BYTES);
      }
      this.#filled = 0;
    }
    return this.#filling === undefined ? 0 : PIECE_BYTES - this.#filled;
  }

  #put(chunk: Buffer, at: number, length: number): void {
    if (this.#filling === undefined || this.#discard) return;
    chunk.copy(this.#filling, this.#filled, at, at + length);
    this.#filled += length;
    if (this.#filled === PIECE_BYTES) this.#give();
  }

  #give(): void {
    const memory = this.#filling;
    if (memory === undefined || this.#filled === 0) return;
    this.#filling = undefined;
    const release = (): void => {
      this.#free.push(memory);
      this.#resume();
    };
    this.#ready.push({ bytes: memory.subarray(0, this.#filled), release });
    this.#wake?.();
  }

  #resume(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    this.#pending = this.#read(pending);
    if (this.#pending === undefined) this.#socket?.resume();
  }

  /** Gives the connection back to the driver. */
  #finish(): void {
    this.#give();
    this.#restore?.();
    this.#restore = undefined;
  }
}
