import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { isAlive } from "./postmaster.ts";

it("a process is alive until it ends", async () => {
  const child = spawn("sleep", ["1000"]);
  expect(await isAlive(child.pid ?? 0)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await isAlive(child.pid ?? 0)).toBe(false);
});

it("a process whose parent never asks how it ended is not alive, though its number is still taken", async () => {
  // The shell becomes another program, which knows nothing of the shell's child.
  const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 1000"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
    await expect.poll(() => isAlive(Number(line))).toBe(false);
    expect(() => process.kill(Number(line), 0)).not.toThrow();
  } finally {
    parent.kill("SIGKILL");
  }
});
