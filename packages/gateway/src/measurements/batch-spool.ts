import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { MEASUREMENT_BATCH_DAYS, type MeasurementBatch, type MeasurementRow } from "@aibos/contract";

const compress = promisify(gzip);
const DAY_MS = 86_400_000;
const FILE = /^[0-9a-f-]{36}-\d{10}\.json\.gz$/;

export interface SpooledBatch {
  readonly name: string;
  readonly bytes: number;
}

/** Batches on disk until the control plane has them. */
export interface BatchSpool {
  /** Writes the next batch. Resolves to how many older ones had to go because there is no room for more. */
  append(rows: MeasurementRow[]): Promise<{ dropped: number }>;
  /** The oldest batch. */
  first(): SpooledBatch | undefined;
  /** Its content, gzipped; undefined when it is gone. */
  read(batch: SpooledBatch): Promise<Buffer | undefined>;
  remove(batch: SpooledBatch): Promise<void>;
  readonly size: number;
  readonly bytes: number;
}

/**
 * Opens the spool in a folder. A batch is a file of its own, named by the run that made it and its number in that run,
 * and there when it is whole. Batches of earlier runs come first; processes that share a folder may send each other's,
 * since a batch counts once however often it is sent.
 */
export async function openBatchSpool(options: {
  folder: string;
  gatewayId: string;
  maxBytes: number;
  now: () => number;
}): Promise<BatchSpool> {
  const { folder, gatewayId, maxBytes, now } = options;
  const source = randomUUID();
  let number = 0;
  let bytes = 0;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const batches: SpooledBatch[] = [];

  async function remove(batch: SpooledBatch): Promise<void> {
    const index = batches.indexOf(batch);
    if (index >= 0) {
      batches.splice(index, 1);
      bytes -= batch.bytes;
    }
    await rm(join(folder, batch.name), { force: true });
  }

  const found: (SpooledBatch & { readonly since: number })[] = [];
  for (const name of await readdir(folder)) {
    const facts = await stat(join(folder, name)).catch(() => undefined);
    if (facts === undefined) continue;
    const tooOld = now() - facts.mtimeMs > MEASUREMENT_BATCH_DAYS * DAY_MS;
    // What is left of a write that was killed has another name.
    if (tooOld || (!FILE.test(name) && now() - facts.mtimeMs > DAY_MS)) await rm(join(folder, name), { force: true });
    else if (FILE.test(name)) found.push({ name, bytes: facts.size, since: facts.mtimeMs });
  }
  for (const { name, bytes: size } of found.sort((a, b) => a.since - b.since || (a.name < b.name ? -1 : 1))) {
    batches.push({ name, bytes: size });
    bytes += size;
  }

  return {
    async append(rows) {
      number += 1;
      const batch: MeasurementBatch = { gatewayId, source, number, rows };
      const content = await compress(JSON.stringify(batch));
      const name = `${source}-${String(number).padStart(10, "0")}.json.gz`;
      await writeFile(join(folder, `${name}.part`), content, { mode: 0o600 });
      await rename(join(folder, `${name}.part`), join(folder, name));
      batches.push({ name, bytes: content.length });
      bytes += content.length;
      let dropped = 0;
      for (
        let oldest = batches[0];
        bytes > maxBytes && batches.length > 1 && oldest !== undefined;
        oldest = batches[0]
      ) {
        await remove(oldest);
        dropped += 1;
      }
      return { dropped };
    },
    first: () => batches[0],
    read: (batch) => readFile(join(folder, batch.name)).catch(() => undefined),
    remove,
    get size() {
      return batches.length;
    },
    get bytes() {
      return bytes;
    },
  };
}
