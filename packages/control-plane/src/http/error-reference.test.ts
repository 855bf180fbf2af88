import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { errorRows, readErrorReference, renderErrorReference } from "./testing/error-reference.ts";

// Red? Run this test with UPDATE_REFERENCE=1: it writes the table anew and keeps the advice. Then write what is missing.
const FILE = new URL("../../../../docs/reference/errors.md", import.meta.url);

let page = "";
beforeAll(async () => {
  page = await readFile(FILE, "utf8").catch(() => "");
  if (process.env["UPDATE_REFERENCE"] !== "1") return;
  page = renderErrorReference(page);
  await writeFile(FILE, page);
});

describe("the reference of errors", () => {
  test("has every code of the contract, with its status and meaning, and no other", () => {
    const documented = readErrorReference(page).map((row) => ({ ...row, advice: "" }));
    expect(documented).toEqual(errorRows());
  });

  test("says at each what to do", () => {
    const silent = readErrorReference(page).filter((row) => row.advice === "");
    expect(silent.map((row) => row.code)).toEqual([]);
  });

  test("is noticed when it is wrong, in both directions", () => {
    const [first = { code: "" }] = errorRows();
    expect(readErrorReference(page.replace(`| \`${first.code}\``, "| `AIBOS_ANOTHER`"))).not.toEqual(
      readErrorReference(page),
    );
    const added = `${page}| \`AIBOS_NEW\` | 400 | New. | Do. |\n`;
    expect(readErrorReference(added)).toHaveLength(errorRows().length + 1);
  });
});
