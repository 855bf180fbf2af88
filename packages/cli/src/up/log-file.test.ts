import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lastLogLines, openLogFile, readLog } from "./log-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-log-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a log that grew too large begins anew, and two old ones are kept", async () => {
  const path = join(folder, "one.log");
  for (const text of ["first", "second", "third", "fourth"]) {
    await writeFile(path, text);
    await (await openLogFile(path, 4)).close();
  }
  expect(await readFile(path, "utf8")).toBe("");
  expect(await readFile(`${path}.1`, "utf8")).toBe("fourth");
  expect(await readFile(`${path}.2`, "utf8")).toBe("third");
});

test("a log within its bounds is continued, and a run's part begins where it stood", async () => {
  const path = join(folder, "one.log");
  await writeFile(path, "before\n");
  const log = await openLogFile(path);
  await log.close();
  await writeFile(path, "now\n", { flag: "a" });
  expect(await readLog(path, log.begin)).toBe("now\n");
  expect(await readLog(path, 0)).toBe("before\nnow\n");
});

test("the last lines are messages, of whatever kind the lines are", () => {
  const log = [
    '{"msg":"too early"}',
    '{"msg":"stopped","err":{"message":"no space"}}',
    "plain text",
    '{"level":30}',
    "",
  ].join("\n");
  expect(lastLogLines(log, 3)).toEqual(["stopped: no space", "plain text", '{"level":30}']);
});
