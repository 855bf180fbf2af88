import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { END_MARK, FORMAT_VERSION, FRAME, FRAME_HEADER_BYTES, MAGIC } from "./backup-format.ts";
import { smallBackup } from "./testing/small-backup.ts";

const PAGE = new URL("../../../../docs/reference/backup-format.md", import.meta.url);

/** The cells of a table's rows whose first cell is code. */
function rowsBelow(page: string, heading: string): string[][] {
  const section = page.split("\n## ").find((part) => part.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm)].map(([, first = "", rest = ""]) => [
    first,
    ...rest.split("|").map((cell) => cell.trim().replaceAll("`", "")),
  ]);
}

/** Names of all fields of a value, with a dot between levels and `[]` for the items of a list. */
function fieldsOf(value: unknown, name = ""): string[] {
  if (name === "metadata") return [name];
  if (Array.isArray(value))
    return value.length === 0 ? [name] : [...new Set(value.flatMap((item) => fieldsOf(item, `${name}[]`)))];
  if (typeof value !== "object" || value === null) return [name];
  return Object.entries(value).flatMap(([key, inner]) => fieldsOf(inner, name === "" ? key : `${name}.${key}`));
}

describe("the reference of the backup's format", () => {
  it("describes a real file, byte for byte", async () => {
    const page = await readFile(PAGE, "utf8");
    const right = { grantee: null, privilege: "USAGE" as const, grantable: false };
    const bytes = await smallBackup({
      key: "a key that nobody knows",
      manifest: {
        schema: {
          name: "t__acme__books",
          owner: "acme",
          comment: null,
          rights: [right],
          defaultRights: [{ ...right, role: "acme", kind: "r" }],
          namedIn: ["f()"],
        },
        roles: ["reader"],
        sequences: [{ name: "s", lastValue: "1", isCalled: false }],
        statements: { beforeData: ["create table notes (id int)"], afterData: ["create index on notes (id)"] },
        structure: [{ object: "table notes", definition: "[]" }],
      },
    });
    expect(bytes.subarray(0, 8)).toEqual(MAGIC);
    expect(page).toContain(`\`${MAGIC.toString()}\``);
    expect(bytes.readUInt32BE(8)).toBe(FORMAT_VERSION);
    expect(page).toContain(`4 bytes, big-endian: ${FORMAT_VERSION}`);
    expect(bytes.subarray(-8)).toEqual(END_MARK);
    expect(page).toContain(`\`${END_MARK.toString()}\``);

    const letters: string[] = [];
    const notes = new Map<string, unknown>();
    for (let at = 12; at < bytes.length - 8;) {
      const letter = String.fromCharCode(bytes[at] ?? 0);
      const length = bytes.readUInt32BE(at + 1);
      const payload = bytes.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + length);
      letters.push(letter);
      if (letter !== "D") notes.set(letter, JSON.parse(payload.toString()));
      at += FRAME_HEADER_BYTES + length;
    }
    expect(letters.join("")).toBe("MSTDEZ");
    const frames = rowsBelow(page, "Frames");
    expect(frames.map(([letter]) => letter)).toEqual(letters);
    expect(new Set(letters)).toEqual(new Set(Object.values(FRAME).map((type) => String.fromCharCode(type))));
    for (const [letter = "", , , fields = ""] of frames) {
      if (letter === "D" || letter === "M") continue;
      expect(fields.split(", "), `frame ${letter}`).toEqual(fieldsOf(notes.get(letter)));
    }
    expect(rowsBelow(page, "Manifest").map(([field]) => field)).toEqual(fieldsOf(notes.get("M")));
  });
});
