import { createGzip, gzipSync } from "node:zlib";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { ArchiveInvalidError, ManifestInvalidError } from "@aibos/contract";
import { readArchive } from "./read-archive.ts";
import { type HandMadeEntry, handMadeTar, paxFields, rawTar } from "./testing/hand-made-tar.ts";

const MANIFEST: HandMadeEntry = {
  name: "aibos.module.yaml",
  content: 'id: notes\nversion: "1.0.0"\ntitle: Notes\nruntime: { command: [node, a.mjs] }\n',
};

test("an archive tells its manifest, its files and its migrations", async () => {
  const content = await readArchive(
    handMadeTar([
      { name: "migrations/002_b.up.sql", content: "select 2" },
      { name: "migrations/", type: "5" },
      { name: "migrations/001_a.up.sql", content: "select 'ä'" },
      { name: "migrations/README.md", content: "not SQL" },
      { name: "elsewhere/003_c.up.sql", content: "select 3" },
      MANIFEST,
    ]),
  );
  expect(content.manifest.id).toBe("notes");
  expect([...content.files.keys()]).toEqual([
    "migrations/002_b.up.sql",
    "migrations/001_a.up.sql",
    "migrations/README.md",
    "elsewhere/003_c.up.sql",
    "aibos.module.yaml",
  ]);
  expect(content.files.get("migrations/001_a.up.sql")).toEqual({ size: 11 });
  expect(content.migrationFiles).toEqual([
    { path: "001_a.up.sql", content: "select 'ä'" },
    { path: "002_b.up.sql", content: "select 2" },
  ]);
});

test("the migrations are where the manifest says", async () => {
  const manifest = { ...MANIFEST, content: `${String(MANIFEST.content)}data: { migrations: ./db/sql/ }\n` };
  const content = await readArchive(handMadeTar([manifest, { name: "db/sql/001_a.up.sql", content: "select 1" }]));
  expect(content.migrationFiles.map(({ path }) => path)).toEqual(["001_a.up.sql"]);
});

test("a long path is read from a PAX header and from a GNU one", async () => {
  const long = `${"folder/".repeat(20)}${"n".repeat(120)}`;
  const content = await readArchive(
    handMadeTar([
      { name: "x", type: "x", content: paxFields({ path: `pax/${long}` }) },
      { name: "short", content: "a" },
      { name: "././@LongLink", type: "L", content: `gnu/${long}\0` },
      { name: "short", content: "b" },
      MANIFEST,
    ]),
  );
  expect([...content.files.keys()]).toEqual([`pax/${long}`, `gnu/${long}`, "aibos.module.yaml"]);
});

describe("an archive is refused that holds", () => {
  test.each<[string, HandMadeEntry[], RegExp]>([
    ["a path out of the folder", [{ name: "../evil" }], /"\.\.\/evil" leaves the module's folder/],
    ["a path out of the folder on a detour", [{ name: "a/../../evil" }], /leaves/],
    ["an absolute path", [{ name: "/etc/evil" }], /absolute/],
    ["a path of another system", [{ name: "a\\..\\evil" }], /backslash/],
    ["a control character", [{ name: "a\u001b[2J" }], /control character/],
    ["a folder out of the folder", [{ name: "../evil/", type: "5" }], /leaves/],
    ["a symbolic link", [{ name: "link", type: "2", link: "/etc" }], /"link" is a link/],
    ["a link, and a file through it", [{ name: "d", type: "2", link: "/tmp" }, { name: "d/evil" }], /"d" is a link/],
    ["a hard link", [{ name: "hard", type: "1", link: "/etc/passwd" }], /is a link/],
    ["a character device", [{ name: "tty", type: "3" }], /CharacterDevice/],
    ["a block device", [{ name: "disk", type: "4" }], /BlockDevice/],
    ["a pipe", [{ name: "pipe", type: "6" }], /FIFO/],
    ["an unknown kind of entry", [{ name: "odd", type: "Z" }], /unknown kind/],
    ["a file twice", [{ name: "a" }, { name: "a" }], /"a" is in it twice/],
    ["two files that differ in case", [{ name: "a" }, { name: "A" }], /only in case/],
    ["a file inside a file", [{ name: "a" }, { name: "a/b" }], /which is a file/],
    [
      "a path that a PAX header leads out of the folder",
      [{ name: "x", type: "x", content: paxFields({ path: "../evil" }) }, { name: "good" }],
      /leaves/,
    ],
    [
      "a path that a GNU header leads out of the folder",
      [{ name: "././@LongLink", type: "L", content: "../evil\0" }, { name: "good" }],
      /leaves/,
    ],
    [
      "a header of more than a mebibyte",
      [{ name: "x", type: "x", content: paxFields({ path: "a".repeat(1_200_000) }) }, { name: "good" }],
      /header that is too large/,
    ],
    [
      "a path that is too long",
      [{ name: "x", type: "L", content: `${"a/".repeat(600)}a\0` }, { name: "b" }],
      /1024 bytes/,
    ],
    ["a file that claims to be huge", [{ name: "huge", size: 8 * 1024 ** 3 - 1 }], /larger than 256 MiB/],
    ["a file that is shorter than it claims", [{ name: "short", size: 4_000 }], /damaged|checksum/],
    ["a migration that is not text", [{ name: "migrations/001_a.up.sql", content: Buffer.from([0xff]) }], /not UTF-8/],
  ])("%s", async (_, entries, problem) => {
    const reading = readArchive(handMadeTar([MANIFEST, ...entries]));
    await expect(reading).rejects.toThrow(ArchiveInvalidError);
    await expect(reading).rejects.toThrow(problem);
  });

  test("no manifest", async () => {
    await expect(readArchive(handMadeTar([{ name: "module/aibos.module.yaml" }]))).rejects.toThrow(
      /no aibos\.module\.yaml/,
    );
  });

  test("a manifest with problems", async () => {
    const reading = readArchive(handMadeTar([{ name: "aibos.module.yaml", content: "id: X\n" }]));
    await expect(reading).rejects.toThrow(ManifestInvalidError);
  });

  test("too many files", async () => {
    const entries = Array.from({ length: 10_001 }, (_, index) => ({ name: `f${index}` }));
    await expect(readArchive(handMadeTar(entries))).rejects.toThrow(/more than 10,000 files/);
  });
});

describe("bytes are refused that are", () => {
  const whole = handMadeTar([MANIFEST, { name: "data", content: Buffer.alloc(100_000, "abcdefg") }]);

  test.each<[string, Buffer, RegExp]>([
    ["nothing", Buffer.alloc(0), /not a gzipped tar/],
    ["text", Buffer.from("hello, this is not an archive"), /not a gzipped tar/],
    ["a tar without gzip", rawTar([MANIFEST]), /not a gzipped tar/],
    ["gzip of something else", gzipSync(Buffer.alloc(4_096, "x")), /damaged/],
    ["gzip of nothing", gzipSync(Buffer.alloc(0)), /damaged|no aibos/],
    ["compressed twice", gzipSync(whole), /compressed twice/],
    ["cut off in the gzip", whole.subarray(0, whole.length - 30), /damaged/],
    [
      "cut off in the tar",
      gzipSync(rawTar([MANIFEST, { name: "d", content: "x".repeat(5_000) }]).subarray(0, 3_000)),
      /damaged/,
    ],
    ["larger than an archive may be", Buffer.alloc(64 * 1024 * 1024 + 1), /larger than 64 MiB/],
  ])("%s", async (_, bytes, problem) => {
    const reading = readArchive(bytes);
    await expect(reading).rejects.toThrow(ArchiveInvalidError);
    await expect(reading).rejects.toThrow(problem);
  });

  test("a bomb, before it is decompressed", async () => {
    const gzip = createGzip({ level: 1 });
    const bomb = buffer(gzip);
    const zeros = Buffer.alloc(1024 * 1024);
    gzip.write(rawTar([MANIFEST]).subarray(0, 1024));
    for (let index = 0; index < 300; index++)
      gzip.write(rawTar([{ name: `z${index}`, content: zeros }]).subarray(0, -1024));
    gzip.end();
    await expect(readArchive(await bomb)).rejects.toThrow(/larger than 256 MiB when unpacked/);
  });
});
