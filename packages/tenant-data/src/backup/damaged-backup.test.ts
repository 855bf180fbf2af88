import { Readable } from "node:stream";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FRAME, FRAME_HEADER_BYTES } from "./backup-format.ts";
import { BackupUnusableError } from "./backup-unusable-error.ts";
import { inPieces, smallBackup } from "./testing/small-backup.ts";
import { readBackupManifest, verifyBackup } from "./verify-backup.ts";

const KEY = "a key that nobody knows";
const streamOf = (bytes: Buffer): Readable => Readable.from([bytes], { objectMode: false });

async function failure(bytes: Buffer, key?: string): Promise<unknown> {
  return verifyBackup(streamOf(bytes), key === undefined ? {} : { key }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Where each frame begins: all places at which a file could be cut. */
function boundaries(bytes: Buffer): number[] {
  const starts = [0, 8, 12];
  for (let at = 12; at < bytes.length - 8;) {
    at += FRAME_HEADER_BYTES + bytes.readUInt32BE(at + 1);
    starts.push(at);
  }
  return starts;
}

describe("a backup that is not as it was written", () => {
  it.each([["zstd"], ["gzip"]] as const)("is refused whichever byte was altered (%s)", async (compression) => {
    const bytes = await smallBackup({ manifest: { compression } });
    expect(await failure(bytes)).toBeUndefined();
    let random = 1;
    for (let at = 0; at < bytes.length; at += 1) {
      random = (random * 48_271) % 2_147_483_647;
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ (1 + (random % 255));
      expect(await failure(altered), `byte ${at}`).toBeInstanceOf(BackupUnusableError);
    }
  });

  it("is refused whichever single bit was altered", async () => {
    const bytes = await smallBackup({ key: KEY });
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] ?? 0) ^ (1 << bit);
        expect(await failure(altered, KEY)).toBeInstanceOf(BackupUnusableError);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is refused wherever it was cut", async () => {
    const bytes = await smallBackup({ rows: { notes: "1\tx\n", more: "", last: "3\ty\n" } });
    expect(boundaries(bytes)).toContain(bytes.length - 8);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(await failure(bytes.subarray(0, length))).toMatchObject({
        code: "AIBOS_BACKUP_UNUSABLE",
        problem: length < 8 ? "not a backup" : "truncated",
        offset: length < 8 ? 0 : length,
      });
    }
  });

  it("is refused when frames are left out, doubled or swapped", async () => {
    const bytes = await smallBackup({ rows: { notes: "1\tx\n", more: "2\ty\n" } });
    const starts = boundaries(bytes);
    const frames = starts.slice(2, -1).map((start, index) => bytes.subarray(start, starts[index + 3]));
    const build = (changed: Buffer[]): Buffer => Buffer.concat([bytes.subarray(0, 12), ...changed, bytes.subarray(-8)]);
    expect(await failure(build(frames))).toBeUndefined();
    for (let one = 0; one < frames.length; one += 1) {
      expect(await failure(build(frames.toSpliced(one, 1)))).toBeInstanceOf(BackupUnusableError);
      expect(await failure(build(frames.toSpliced(one, 0, frames[one] ?? Buffer.alloc(0))))).toBeInstanceOf(
        BackupUnusableError,
      );
      for (let other = one + 1; other < frames.length; other += 1) {
        const swapped = frames.with(one, frames[other] ?? Buffer.alloc(0)).with(other, frames[one] ?? Buffer.alloc(0));
        expect(await failure(build(swapped))).toBeInstanceOf(BackupUnusableError);
      }
    }
  });

  it("is refused with what follows its end", async () => {
    const bytes = await smallBackup();
    expect(await failure(Buffer.concat([bytes, Buffer.from("x")]))).toMatchObject({
      problem: "altered",
      offset: bytes.length,
    });
    expect(await failure(Buffer.concat([bytes, bytes]))).toMatchObject({ problem: "altered" });
  });

  it("is refused when it is of another kind or of a later format, with what to do", async () => {
    for (const foreign of ["", "PGDMP", "-- PostgreSQL database dump", "\u001f\u008b\b", "x".repeat(10_000)]) {
      expect(await failure(Buffer.from(foreign, "latin1"))).toMatchObject({ problem: "not a backup" });
    }
    const later = await smallBackup();
    later.writeUInt32BE(2, 8);
    const error = await failure(later);
    expect(error).toMatchObject({ problem: "too new", offset: 8 });
    expect(String(error)).toMatch(/format is version 2, and 1 is the newest known, at byte 8.*newer one/);
    later.writeUInt32BE(0, 8);
    expect(await failure(later)).toMatchObject({ problem: "altered" });
  });

  it("reads the same in pieces of any length", async () => {
    const bytes = await smallBackup();
    for (const length of [1, 2, 3, 7, 64, 1_000]) {
      const { tables } = await verifyBackup(Readable.from(inPieces(bytes, length), { objectMode: false }));
      expect(tables).toMatchObject([{ name: "notes", rows: 2, bytes: 13 }]);
    }
    await expect(verifyBackup(Readable.from(["text"]))).rejects.toThrow(TypeError);
  });
});

describe("a key", () => {
  it("is demanded when it is given, and must be the writer's", async () => {
    const signed = await smallBackup({ key: KEY });
    expect(await failure(signed, KEY)).toBeUndefined();
    expect(await failure(signed)).toBeUndefined();
    expect(await failure(signed, `${KEY}!`)).toMatchObject({ problem: "signature wrong" });
    expect(await failure(await smallBackup(), KEY)).toMatchObject({ problem: "signature missing" });
    await expect(readBackupManifest(streamOf(signed), { key: `${KEY}!` })).rejects.toMatchObject({
      problem: "signature wrong",
    });
    await expect(verifyBackup(streamOf(signed), { key: "short" })).rejects.toThrow(RangeError);
  });

  it("is not fooled by checksums that were made anew", async () => {
    const forged = await smallBackup({ manifest: { signed: true } });
    expect(await failure(forged)).toBeUndefined();
    expect(await failure(forged, KEY)).toMatchObject({ problem: "signature missing" });
  });

  it("covers the rows: those of another backup with the same key don't pass", async () => {
    const one = await smallBackup({ key: KEY, rows: { notes: "1\tyours\n" } });
    const two = await smallBackup({ key: KEY, rows: { notes: "1\tmine \n" } });
    const head = boundaries(one)[4] ?? 0;
    expect(one.subarray(0, head).equals(two.subarray(0, head))).toBe(true);
    const rows = boundaries(one)[7] ?? 0;
    const mixed = Buffer.concat([one.subarray(0, rows), two.subarray(boundaries(two)[7] ?? 0)]);
    expect(await failure(mixed, KEY)).toMatchObject({ problem: "altered" });
  });
});

describe("a hostile backup", () => {
  it("can't claim lengths that would fill the memory", async () => {
    const bytes = await smallBackup();
    for (const start of boundaries(bytes).slice(2, -1)) {
      const huge = Buffer.from(bytes);
      huge.writeUInt32BE(0xff_ff_ff_f0, start + 1);
      expect(await failure(huge)).toMatchObject({ problem: "altered", offset: start });
    }
  });

  it("can't make much of a few bytes in one piece", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    const bytes = await smallBackup();
    const start = boundaries(bytes)[5] ?? 0;
    expect(bytes[start]).toBe(FRAME.data);
    const header = Buffer.from(bytes.subarray(start, start + FRAME_HEADER_BYTES));
    header.writeUInt32BE(bomb.length, 1);
    const before = process.memoryUsage().arrayBuffers;
    expect(await failure(Buffer.concat([bytes.subarray(0, start), header, bomb]))).toMatchObject({
      problem: "truncated",
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(48 * 1024 * 1024);
  });

  it("is refused for a manifest of another form", async () => {
    for (const manifest of [{ tables: "none" }, { extra: 1 }, { compression: "none" }, { metadata: undefined }]) {
      expect(await failure(await smallBackup({ manifest: manifest as object }))).toMatchObject({ problem: "altered" });
    }
  });
});
