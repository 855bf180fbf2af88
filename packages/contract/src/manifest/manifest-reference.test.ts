import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { manifestFields, manifestJsonSchema } from "./manifest-reference.ts";

// With UPDATE_REFERENCE=1 the files are written anew instead of compared.
const UPDATE = process.env["UPDATE_REFERENCE"] === "1";
const HINT = "The manifest's reference is out of date: run this test with UPDATE_REFERENCE=1.";
const REFERENCE = new URL("../../../../docs/reference/", import.meta.url);
const PAGE = new URL("module-manifest.md", REFERENCE);
const SCHEMA = new URL("aibos.module.schema.json", REFERENCE);

const BEGIN = "<!-- fields: written from the schema -->";
const END = "<!-- end of fields -->";

test("every field tells what it is for", () => {
  expect(manifestFields().filter(({ description }) => description === "")).toEqual([]);
});

test("the reference page has every field of the manifest, and no other", async () => {
  const page = await readFile(PAGE, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  const current = `${before}${BEGIN}\n\n${fieldTable()}\n\n${END}${after}`;
  if (UPDATE) await writeFile(PAGE, current);
  expect((await readFile(PAGE, "utf8")) === current ? "up to date" : HINT).toBe("up to date");
});

test("the JSON Schema for editors is the one of the code", async () => {
  const current = `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`;
  if (UPDATE) await writeFile(SCHEMA, current);
  expect((await readFile(SCHEMA, "utf8")) === current ? "up to date" : HINT).toBe("up to date");
});

function fieldTable(): string {
  const rows = manifestFields().map((field) => [
    `\`${field.path}\``,
    field.type,
    field.required ? "required" : field.default === undefined ? "" : `\`${field.default}\``,
    field.description,
  ]);
  const table = [["field", "type", "default", "meaning"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
