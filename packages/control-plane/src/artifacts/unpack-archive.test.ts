import { access, mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handMadeTar } from "./testing/hand-made-tar.ts";
import { unpackArchive } from "./unpack-archive.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "aibos-unpack-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const GOOD = handMadeTar([
  { name: "a.txt", content: "first" },
  { name: "deep/er/b.txt", content: "second" },
  { name: "empty" },
  { name: "run.sh", content: "#!/bin/sh\n", mode: 0o777 },
]);

test("files are there with their content, and can't be written by mistake", async () => {
  const folder = join(root, "artifacts", "x");
  await unpackArchive(GOOD, folder);
  expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("first");
  expect(await readFile(join(folder, "deep/er/b.txt"), "utf8")).toBe("second");
  const modes = await Promise.all(
    ["a.txt", "run.sh"].map(async (name) => (await stat(join(folder, name))).mode & 0o333),
  );
  expect(modes).toEqual([0, 0o111]);
});

test("an archive that is wrong at its end leaves nothing behind", async () => {
  const bad = handMadeTar([{ name: "a" }, { name: "b/c" }, { name: "../evil", content: "x" }]);
  await expect(unpackArchive(bad, join(root, "x"))).rejects.toThrow(/leaves the module's folder/);
  expect(await readdir(root)).toEqual([]);
});

test("a file through a link is refused, and nothing is written where the link leads", async () => {
  const bad = handMadeTar([
    { name: "d", type: "2", link: root },
    { name: "d/evil", content: "x" },
  ]);
  await expect(unpackArchive(bad, join(root, "x"))).rejects.toThrow(/is a link/);
  await expect(access(join(root, "evil"))).rejects.toThrow("ENOENT");
});

test("two at once both succeed, and one whole folder is there", async () => {
  const folder = join(root, "x");
  await Promise.all([unpackArchive(GOOD, folder), unpackArchive(GOOD, folder)]);
  expect(await readdir(root)).toEqual(["x"]);
  expect(await readdir(folder)).toEqual(["a.txt", "deep", "empty", "run.sh"]);
});
