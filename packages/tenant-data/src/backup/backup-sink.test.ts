import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openBackupSink } from "./backup-sink.ts";

test("what a killed process left of a file is removed by the next that writes it, and nothing else is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aibos-sink-"));
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const host = hostname().replaceAll(/[^\w-]/g, "_");
  const abandoned = `.a.backup.${host}.${gone}-0a1b2c3d.partial`;
  const others = [
    `.a.backup.${host}.${process.pid}-0a1b2c3d.partial`,
    `.a.backup.elsewhere.${gone}-0a1b2c3d.partial`,
    `.b.backup.${host}.${gone}-0a1b2c3d.partial`,
    `.a.backup.${host}.notes`,
  ];
  for (const name of [abandoned, ...others]) await writeFile(join(folder, name), "");
  const sink = await openBackupSink(join(folder, "a.backup"));
  await sink.write(Buffer.from("whole"));
  await sink.finish();
  expect((await readdir(folder)).toSorted()).toEqual([...others, "a.backup"].toSorted());
  await rm(folder, { recursive: true });
});
