import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type MeasurementBatch, measurementBatchSchema, type MeasurementRow } from "@aibos/contract";
import { temporaryFolder } from "../testing/started-gateway.ts";
import { type BatchSpool, openBatchSpool } from "./batch-spool.ts";
import { MeasurementTable } from "./measurement-table.ts";

function rowsOf(tenant: string): MeasurementRow[] {
  const table = new MeasurementTable(1_800_000_000);
  table.record({ tenant, module: "notes", version: "1.0.0" }, { error: undefined, latency: 1, received: 0, sent: 0 });
  return [...table.rows()];
}

function open(folder: string, maxBytes = 1_000_000): Promise<BatchSpool> {
  return openBatchSpool({ folder, gatewayId: "g1", maxBytes, now: Date.now });
}

/** Takes everything out. */
async function drain(spool: BatchSpool): Promise<MeasurementBatch[]> {
  const batches: MeasurementBatch[] = [];
  for (let batch = spool.first(); batch !== undefined; batch = spool.first()) {
    const content = await spool.read(batch);
    batches.push(measurementBatchSchema.parse(JSON.parse(gunzipSync(content ?? "").toString())));
    await spool.remove(batch);
  }
  return batches;
}

test("batches come out as they went in, numbered, and are gone when they are taken out", async () => {
  const folder = await temporaryFolder();
  const spool = await open(folder);
  for (const tenant of ["a", "b", "c"]) await spool.append(rowsOf(tenant));
  expect([spool.size, spool.bytes > 0]).toEqual([3, true]);
  const batches = await drain(spool);
  expect(batches.map((batch) => [batch.number, batch.gatewayId, batch.rows])).toEqual([
    [1, "g1", rowsOf("a")],
    [2, "g1", rowsOf("b")],
    [3, "g1", rowsOf("c")],
  ]);
  expect([spool.size, spool.bytes, await readdir(folder)]).toEqual([0, 0, []]);
});

test("batches of an earlier run come first, under the name of that run", async () => {
  const folder = await temporaryFolder();
  const earlier = await open(folder);
  await earlier.append(rowsOf("a"));
  await earlier.append(rowsOf("b"));
  const later = await open(folder);
  await later.append(rowsOf("c"));
  const batches = await drain(later);
  expect(batches.map(({ number, rows }) => [number, rows[0]?.tenant])).toEqual([
    [1, "a"],
    [2, "b"],
    [1, "c"],
  ]);
  expect(new Set(batches.map(({ source }) => source)).size).toBe(2);
});

test("a batch whose write was killed is not there, and neither is one that nobody would know any more", async () => {
  const folder = await temporaryFolder();
  const earlier = await open(folder);
  await earlier.append(rowsOf("a"));
  await earlier.append(rowsOf("b"));
  const [first = ""] = (await readdir(folder)).sort();
  const week = new Date(Date.now() - 8 * 86_400_000);
  await utimes(join(folder, first), week, week);
  await writeFile(join(folder, `${first}.part`), "half");
  const spool = await open(folder);
  expect((await drain(spool)).map(({ rows }) => rows[0]?.tenant)).toEqual(["b"]);
});

test("when there is no room, the oldest go, and the newest stays", async () => {
  const spool = await open(await temporaryFolder(), 1);
  expect(await spool.append(rowsOf("a"))).toEqual({ dropped: 0 });
  expect(await spool.append(rowsOf("b"))).toEqual({ dropped: 1 });
  expect((await drain(spool)).map(({ rows }) => rows[0]?.tenant)).toEqual(["b"]);
});

test("a batch that another process sent meanwhile is no failure", async () => {
  const folder = await temporaryFolder();
  const [one, two] = [await open(folder), await open(folder)];
  await one.append(rowsOf("a"));
  const other = await open(folder);
  await drain(one);
  const batch = other.first();
  expect(batch && (await other.read(batch))).toBeUndefined();
  if (batch !== undefined) await other.remove(batch);
  expect([other.size, two.size]).toEqual([0, 0]);
});
