import { chmod, cp, link, mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ArchiveInvalidError } from "@aibos/contract";
import { list } from "tar";
import { packModule } from "./pack-module.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-pack-"));
  await put("aibos.module.yaml", "id: notes\n");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(path: string, content = path): Promise<void> {
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, path), content);
}

interface Entry {
  path: string;
  mode: number | undefined;
  type: string;
}

async function entriesOf(archive: Buffer): Promise<Entry[]> {
  const file = `${folder}.tar.gz`;
  await writeFile(file, archive);
  const entries: Entry[] = [];
  await list({ file, onReadEntry: ({ path, mode, type }) => void entries.push({ path, mode, type }) });
  await rm(file);
  return entries;
}

test("files are packed in the order of their names, folders themselves are not", async () => {
  await put("src/b.js");
  await put("src/a.js");
  await put("a.txt");
  await put("@scope.txt");
  await mkdir(join(folder, "empty"));
  const { archive, files } = await packModule(folder);
  expect((await entriesOf(archive)).map(({ path }) => path)).toEqual([
    "@scope.txt",
    "a.txt",
    "aibos.module.yaml",
    "src/a.js",
    "src/b.js",
  ]);
  expect(files).toBe(5);
});

test("the same content makes the same bytes, whatever the dates, permissions and names of the folder", async () => {
  await put("run.sh", "#!/bin/sh\n");
  await put("data.txt");
  await chmod(join(folder, "run.sh"), 0o700);
  await chmod(join(folder, "data.txt"), 0o600);
  const first = await packModule(folder);

  const other = `${folder}-other`;
  try {
    await cp(folder, other, { recursive: true });
    await chmod(join(other, "run.sh"), 0o775);
    await chmod(join(other, "data.txt"), 0o664);
    await utimes(join(other, "data.txt"), 1, 1);
    expect((await packModule(other)).archive.equals(first.archive)).toBe(true);
  } finally {
    await rm(other, { recursive: true, force: true });
  }
  const modes = Object.fromEntries((await entriesOf(first.archive)).map(({ path, mode }) => [path, mode]));
  expect(modes).toEqual({ "aibos.module.yaml": 0o644, "data.txt": 0o644, "run.sh": 0o755 });
});

test("two names of one file are packed as two files", async () => {
  await put("one");
  await link(join(folder, "one"), join(folder, "two"));
  const { archive } = await packModule(folder);
  expect((await entriesOf(archive)).map(({ type }) => type)).toEqual(["File", "File", "File"]);
});

test(".aibosignore leaves files out, and takes back what is left out by itself", async () => {
  await put(".aibosignore", "*.ts\n/docs/\n!node_modules\n");
  await put("a.ts");
  await put("docs/guide.md");
  await put("node_modules/left/index.js");
  await put(".git/config");
  const { archive } = await packModule(folder);
  expect((await entriesOf(archive)).map(({ path }) => path)).toEqual([
    ".aibosignore",
    "aibos.module.yaml",
    "node_modules/left/index.js",
  ]);
});

test("a link is refused by its name, inside or outside of the folder", async () => {
  await symlink("aibos.module.yaml", join(folder, "inside"));
  await expect(packModule(folder)).rejects.toThrow(ArchiveInvalidError);
  await expect(packModule(folder)).rejects.toThrow('"inside" is a link');
  await rm(join(folder, "inside"));
  await symlink("/etc", join(folder, "outside"));
  await expect(packModule(folder)).rejects.toThrow('"outside" is a link');
});

test("a name that an archive can't hold is refused", async () => {
  await put("a\\b");
  await expect(packModule(folder)).rejects.toThrow("backslash");
});

test("names that differ only in case are refused where the file system has both", async () => {
  await put("Read.me");
  await put("read.me");
  await expect(packModule(folder)).rejects.toThrow("only in case");
});

test("a folder that is too large is refused before it is read", async () => {
  await put("huge");
  await truncate(join(folder, "huge"), 300 * 1024 * 1024);
  await expect(packModule(folder)).rejects.toThrow("more than 256 MiB");
});
