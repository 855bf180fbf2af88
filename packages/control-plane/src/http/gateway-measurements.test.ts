import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { GATEWAY_MEASUREMENTS_PATH, type MeasurementBatch } from "@aibos/contract";
import { someBatch } from "../features/measurements/testing/some-batch.ts";
import { createHttpApp } from "./app.ts";
import { BEARER, fakePlatform } from "./testing/fake-platform.ts";

const BATCH = someBatch([{ at: Date.parse("2027-01-31T09:30:00Z"), latencies: [1, 2] }]);

async function send(body: Buffer | string, headers: Record<string, string> = { "content-encoding": "gzip" }) {
  const added: MeasurementBatch[] = [];
  const app = createHttpApp(fakePlatform({ addMeasurements: async (batch) => added.push(batch) }));
  const response = await app.request(GATEWAY_MEASUREMENTS_PATH, {
    method: "POST",
    body: Uint8Array.from(Buffer.from(body)),
    headers: { ...BEARER, "content-type": "application/json", ...headers },
  });
  return { status: response.status, text: await response.text(), added };
}

function changed(change: (row: Record<string, unknown>) => void): Buffer {
  const batch: { rows: Record<string, unknown>[] } = JSON.parse(JSON.stringify(BATCH));
  for (const row of batch.rows) change(row);
  return gzipSync(JSON.stringify(batch));
}

describe("a batch of measurements", () => {
  test("is taken gzipped, as gateways send it, and as it is", async () => {
    expect(await send(gzipSync(JSON.stringify(BATCH)))).toEqual({ status: 204, text: "", added: [BATCH] });
    expect(await send(JSON.stringify(BATCH), {})).toEqual({ status: 204, text: "", added: [BATCH] });
  });

  test.each<[string, Buffer | string, Record<string, string>, number]>([
    ["says that it is gzipped and is not", JSON.stringify(BATCH), { "content-encoding": "gzip" }, 400],
    ["is compressed in another way", "x", { "content-encoding": "br" }, 400],
    [
      "is small and unpacks to something huge",
      gzipSync(Buffer.alloc(64 * 1024 * 1024)),
      { "content-encoding": "gzip" },
      413,
    ],
    ["has no rows", gzipSync(JSON.stringify({ ...BATCH, rows: [] })), { "content-encoding": "gzip" }, 400],
    ["has no source", gzipSync(JSON.stringify({ ...BATCH, source: "g1" })), { "content-encoding": "gzip" }, 400],
  ])("is refused when it %s", async (_case, body, headers, status) => {
    const ran = await send(body, headers);
    expect([ran.status, ran.added]).toEqual([status, []]);
  });

  test.each<[string, (row: Record<string, unknown>) => void]>([
    ["a tenant that can't be one", (row) => (row["tenant"] = "'; drop table tenants; --")],
    ["a version that can't be one", (row) => (row["version"] = "latest")],
    ["a time that is no window's", (row) => (row["at"] = 1_800_000_001)],
    ["fewer than no requests", (row) => (row["requests"] = -1)],
    ["an unknown kind of error", (row) => (row["errors"] = { gremlins: 1 })],
    ["a bucket that there is not", (row) => (row["latency"] = { buckets: [5_000], counts: [1], sum: 1 })],
    ["a bucket without its count", (row) => (row["latency"] = { buckets: [1, 2], counts: [1], sum: 1 })],
  ])("is refused with %s", async (_case, change) => {
    const ran = await send(changed(change));
    expect([ran.status, ran.added]).toEqual([400, []]);
    expect(ran.text).toContain("rows.0.");
  });
});
