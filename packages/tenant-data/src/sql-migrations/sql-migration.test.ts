import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readMigrations } from "../migrations/read-migrations.ts";
import { parseSqlMigrations } from "./sql-migration.ts";

const NAMING = 'it must be named like "001_customers.up.sql" or "001_customers.down.sql"';

function parse(files: Readonly<Record<string, string>>) {
  return parseSqlMigrations(Object.entries(files).map(([path, content]) => ({ path, content })));
}

describe("parseSqlMigrations", () => {
  it("orders by number, whatever the order of the files, the number of digits and what is left out between", () => {
    const migrations = parse({
      "m/0010_c.up.sql": "select 10",
      "m/002_b.down.sql": "select -2",
      "m/001_a.up.sql": "select 1",
      "m/002_b.up.sql": "select 2",
    });
    expect(migrations.map(({ number, name, up, down }) => [number, name, up.sql, down?.sql])).toEqual([
      [1, "a", "select 1", undefined],
      [2, "b", "select 2", "select -2"],
      [10, "c", "select 10", undefined],
    ]);
    expect(migrations[0]?.down).toBeNull();
  });

  it("knows a file by the SHA-256 of its bytes", () => {
    const [migration] = parse({ "001_a.up.sql": "select 'ü'" });
    expect(migration?.up.checksum).toBe(createHash("sha256").update("select 'ü'").digest("hex"));
  });

  it("takes the names and contents that projects have: times as numbers, capitals, empty files, a byte order mark", () => {
    const migrations = parse({
      "20210428103924_Add-Users.postgres.up.sql": "\uFEFFselect 1",
      "20210428103924_Add-Users.postgres.down.sql": "\n",
      "1_first.up.sql": "",
    });
    expect(migrations.map(({ number, name, up, down }) => [number, name, up.sql, down?.sql])).toEqual([
      [1, "first", "", undefined],
      [20210428103924, "Add-Users.postgres", "select 1", "\n"],
    ]);
  });

  it("takes no files for no migrations", () => {
    expect(parse({})).toEqual([]);
  });

  it.each<[string, Record<string, string>, string]>([
    ["no number", { "a.up.sql": "select 1" }, `a.up.sql: ${NAMING}.`],
    ["16 digits", { "0000000000000001_a.up.sql": "select 1" }, `0000000000000001_a.up.sql: ${NAMING}.`],
    ["no direction", { "001_a.sql": "select 1" }, `001_a.sql: ${NAMING}.`],
    ["no name", { "001_.up.sql": "select 1" }, `001_.up.sql: ${NAMING}.`],
    ["a blank", { "001_a b.up.sql": "select 1" }, `001_a b.up.sql: ${NAMING}.`],
    ["a line break after", { "001_a.up.sql\n": "select 1" }, `001_a.up.sql\n: ${NAMING}.`],
    ["a name of 152 characters", { [`001_${"a".repeat(152)}.up.sql`]: "x" }, NAMING],
    ["number 0", { "000_a.up.sql": "select 1" }, "000_a.up.sql: numbers begin at 001."],
    ["a NUL in it", { "001_a.up.sql": "select 1\0" }, "001_a.up.sql: it is not plain text in UTF-8."],
    ["broken UTF-8", { "001_a.up.sql": "select '\uFFFD'" }, "001_a.up.sql: it is not plain text in UTF-8."],
    ["more than 8 MiB", { "001_a.up.sql": "é".repeat(2 ** 22 + 1) }, "001_a.up.sql: it is larger than 8 MiB."],
    [
      "a number twice",
      { "001_a.up.sql": "select 1", "001_b.up.sql": "select 1" },
      "001_b.up.sql: 001_a.up.sql has the same number.",
    ],
    [
      "a number twice, with other digits",
      { "001_a.up.sql": "select 1", "0001_a.up.sql": "select 1" },
      "0001_a.up.sql: 001_a.up.sql has the same number.",
    ],
    [
      "a down file alone",
      { "001_a.up.sql": "select 1", "002_b.down.sql": "select 1" },
      "002_b.down.sql: there is no up file of this number.",
    ],
    [
      "a down file of another name",
      { "001_a.up.sql": "select 1", "001_b.down.sql": "select 1" },
      "001_b.down.sql: its up file has another name, 001_a.up.sql.",
    ],
  ])("refuses %s", (_, files, message) => {
    expect(() => parse(files)).toThrow(message);
    expect(() => parse(files)).toThrow(expect.objectContaining({ code: "AIBOS_MIGRATION_FILE", line: undefined }));
  });
});

describe("readSqlMigrations", () => {
  it("reads the SQL files of a folder, and none where there is no folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "aibos-migrations-"));
    try {
      await writeFile(join(folder, "001_a.up.sql"), "select 1");
      await writeFile(join(folder, "README.md"), "words");
      const [migration, ...others] = await readMigrations(folder);
      expect(migration).toMatchObject({ number: 1, name: "a", up: { file: join(folder, "001_a.up.sql") }, down: null });
      expect(others).toEqual([]);
      expect(await readMigrations(join(folder, "none"))).toEqual([]);
      await mkdir(join(folder, "002_b.up.sql"));
      await expect(readMigrations(folder)).rejects.toThrow("EISDIR");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
