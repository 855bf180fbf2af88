import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lastLines, openModuleLog, rotateModuleLog, tellingLines } from "./module-log.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-log-"));
  path = join(folder, "module.log");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a log that has grown too large is put aside while its process goes on appending", async () => {
  const log = await openModuleLog(path);
  const { write } = await import("node:fs");
  const append = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      write(log.fd, text, (error) => (error === null ? resolve() : reject(error)));
    });
  await append("first\n".repeat(10));
  await rotateModuleLog(path, 1_000);
  expect(await readFile(path, "utf8")).toContain("first");
  await rotateModuleLog(path, 10);
  await append("second\n");
  expect(await readFile(path, "utf8")).toBe("second\n");
  expect(await readFile(`${path}.1`, "utf8")).toBe("first\n".repeat(10));
  await rotateModuleLog(path, 1);
  expect(await readFile(`${path}.1`, "utf8")).toBe("second\n");
  expect(await readFile(`${path}.2`, "utf8")).toBe("first\n".repeat(10));
  await log.close();
});

test("the last lines are shown without what could change a terminal, and long ones are cut", async () => {
  await writeFile(path, `one\n\n\u001b[31mred\u001b[0m\u0007\n${"y".repeat(600)}\n`);
  const lines = await lastLines(path, 2);
  expect(lines).toEqual(["red", `${"y".repeat(500)}…`]);
  expect(await lastLines(join(folder, "none"), 5)).toEqual([]);
});

test("of a crash, the lines are told that name the error, not the noise around it", async () => {
  await writeFile(
    path,
    `listening\n${"at something (file.js:1:1)\n".repeat(5)}node:internal/modules/cjs/loader:1433\n  throw err;\n  ^\n
Error: Cannot find module 'pg'\nRequire stack:\n- /a/main.js\n    at Function._resolve (node:internal)\n  code: 'MODULE_NOT_FOUND',
  requireStack: [\n  '/a/main.js'\n ]\n}\n\nNode.js v24.21.0\n`,
  );
  expect(await tellingLines(path)).toEqual(["Error: Cannot find module 'pg'", "Require stack:", "- /a/main.js"]);
  await writeFile(path, "one\ntwo\nthree\nfour\n");
  expect(await tellingLines(path)).toEqual(["two", "three", "four"]);
});
