import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ProcessGroup } from "./process-group.ts";

const recordSchema = z.object({
  /** What it is: a deployment's key, or "install <digest>". */
  name: z.string(),
  pid: z.int().positive(),
  identity: z.string(),
  /** Where a deployment listens; null for an install command. */
  port: z.int().nullable(),
  /** Digest of everything that it was started with. */
  spec: z.string(),
  stopTimeoutSeconds: z.number(),
});

/** A process that this installation started; kept on disk so that it is found again when the control plane was killed. */
export type ProcessRecord = z.infer<typeof recordSchema> & ProcessGroup;

export interface ProcessRecords {
  readAll(): Promise<ProcessRecord[]>;
  write(record: ProcessRecord): Promise<void>;
  remove(name: string): Promise<void>;
}

export async function openProcessRecords(folder: string): Promise<ProcessRecords> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fileOf = (name: string): string => join(folder, `${encodeURIComponent(name)}.json`);

  return {
    async readAll() {
      const records: ProcessRecord[] = [];
      for (const file of await readdir(folder)) {
        if (!file.endsWith(".json")) continue;
        const text = await readFile(join(folder, file), "utf8");
        const record = recordSchema.safeParse(parseJson(text));
        if (record.success) records.push(record.data);
        else await rm(join(folder, file), { force: true });
      }
      return records;
    },

    // On disk before the process does anything: what a crash of the whole machine leaves is gone with its processes.
    async write(record) {
      const file = fileOf(record.name);
      const handle = await open(`${file}.part`, "w", 0o600);
      try {
        await handle.writeFile(JSON.stringify(record));
      } finally {
        await handle.close();
      }
      await rename(`${file}.part`, file);
    },

    remove: (name) => rm(fileOf(name), { force: true }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
