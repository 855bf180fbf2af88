import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { Client } from "pg";
import type { MeasurementBatch } from "@aibos/contract";

const SETTLED_MS = 60_000;

/** Requests of a tenant that PostgreSQL has, and those that gateways have on disk and it does not. */
export interface Counted {
  readonly stored: number;
  readonly spooled: number;
}

export async function readCounted(client: Client, gatewayFolder: string, tenant: string): Promise<Counted> {
  // The disk first: a batch that is sent meanwhile is in both, and known as such.
  const batches = await readSpool(gatewayFolder);
  const { rows: known } = await client.query<{ name: string }>(
    "select source || '-' || number as name from aibos.measurement_batches",
  );
  const stored = await readStored(client, tenant);
  const names = new Set(known.map(({ name }) => name));
  const spooled = batches
    .filter(({ source, number }) => !names.has(`${source}-${number}`))
    .flatMap(({ rows }) => rows.filter((row) => row.tenant === tenant))
    .reduce((sum, { requests }) => sum + requests, 0);
  return { stored, spooled };
}

async function readStored(client: Client, tenant: string): Promise<number> {
  const { rows } = await client.query<{ requests: string }>(
    "select coalesce(sum(requests), 0) as requests from aibos.measurements_10s where tenant = $1",
    [tenant],
  );
  return Number(rows[0]?.requests);
}

async function readSpool(gatewayFolder: string): Promise<MeasurementBatch[]> {
  const found: MeasurementBatch[] = [];
  for (const worker of await readdir(gatewayFolder)) {
    const folder = join(gatewayFolder, worker, "measurements");
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.endsWith(".gz")) continue;
      // One that is gone was sent meanwhile.
      const content = await readFile(join(folder, name)).catch(() => undefined);
      if (content !== undefined) found.push(JSON.parse(gunzipSync(content).toString("utf8")) as MeasurementBatch);
    }
  }
  return found;
}

/** Waits until nothing is on its way any more, or for so long. Resolves to what PostgreSQL has. */
export async function waitUntilStored(
  client: Client,
  gatewayFolder: string,
  tenant: string,
  expected: number,
): Promise<number> {
  for (const until = Date.now() + SETTLED_MS; ; await sleep(200)) {
    const { stored, spooled } = await readCounted(client, gatewayFolder, tenant);
    if (Date.now() > until || (spooled === 0 && stored >= expected)) {
      // Whatever would be counted twice is sent within a few more flushes.
      await sleep(3_000);
      return (await readCounted(client, gatewayFolder, tenant)).stored;
    }
  }
}

/** The sums of all tenants that gateways add by themselves, and those over the tenants. */
export async function readTotals(client: Client): Promise<{ ofAll: number; overTenants: number }> {
  const { rows } = await client.query<{ of_all: string; over_tenants: string }>(
    `select coalesce(sum(requests) filter (where tenant is null), 0) as of_all,
       coalesce(sum(requests) filter (where tenant is not null), 0) as over_tenants
     from aibos.measurements_10s`,
  );
  return { ofAll: Number(rows[0]?.of_all), overTenants: Number(rows[0]?.over_tenants) };
}
