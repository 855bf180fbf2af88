import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { processIdentity } from "./process-identity.ts";
import { startCommand } from "./start-command.ts";

test("a command begins only when it is recorded, and never when recording fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aibos-start-"));
  const log = await open(join(folder, "log"), "a");
  try {
    let recorded = 0;
    const options = { command: "echo began", folder, environment: {}, logFd: log.fd };
    const refused = startCommand({
      ...options,
      record: async ({ pid }) => {
        recorded = pid;
        throw new Error("the disk is full");
      },
    });
    await expect(refused).rejects.toThrow("the disk is full");
    expect(await processIdentity(recorded)).toBeUndefined();
    expect(await readFile(join(folder, "log"), "utf8")).toBe("");

    const started = await startCommand({ ...options, record: async () => undefined });
    expect(await started.ended).toBe("ended with exit code 0");
    expect(await readFile(join(folder, "log"), "utf8")).toBe("began\n");
  } finally {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  }
});
