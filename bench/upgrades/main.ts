import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { startLocalPostgres } from "@aibos/local-postgres";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../../scripts/crash-test/control-plane-process.ts";
import { spreadOf } from "../spread.ts";
import { type FleetRun, runFleet } from "./fleet-run.ts";
import { atOnce, createBareSchemas, installTenants, moveBare, publishLedger, type Size } from "./workload.ts";

// A fleet upgrade along a live release against a bare script that does by hand what must be done to each tenant's data,
// at the same concurrency; the rate of many tenants against that of few; two control planes against one.

const PARTS = ["script", "scale", "planes"] as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tenants: { type: "string" },
    many: { type: "string" },
    concurrency: { type: "string", default: "4" },
    rounds: { type: "string", default: "1" },
    short: { type: "boolean", default: false },
  },
});
const unknown = positionals.find((name) => !PARTS.some((part) => part === name));
if (unknown !== undefined) throw new RangeError(`There is no part "${unknown}": choose from ${PARTS.join(", ")}.`);
const parts = positionals.length === 0 ? PARTS : PARTS.filter((part) => positionals.includes(part));
const tenants = Number(values.tenants ?? (values.short ? 20 : 1_000));
const many = Number(values.many ?? tenants * 10);
const concurrency = Number(values.concurrency);
const rounds = Number(values.rounds);
const USUAL: Size = values.short ? { tables: 5, rows: 20 } : { tables: 20, rows: 100 };
const SMALL: Size = { tables: 1, rows: 10 };

/** PostgreSQL, durable as in use, and control planes with the module published. */
interface World extends AsyncDisposable {
  readonly pool: pg.Pool;
  readonly planes: [ControlPlaneProcess, ...ControlPlaneProcess[]];
  addPlane(): Promise<void>;
}

async function createWorld(size: Size): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-bench-"));
  const server = await startLocalPostgres({ folder: join(folder, "server"), settings: ["max_wal_size=4GB"] });
  const start = (name: string): Promise<ControlPlaneProcess> =>
    startControlPlaneProcess({
      dataFolder: join(folder, name),
      databaseUrl: server.url,
      environment: { AIBOS_LOG_LEVEL: "warn" },
    });
  const planes: World["planes"] = [await start("plane-1")];
  const pool = new pg.Pool({ connectionString: server.url, max: 16 });
  // Sessions end with the server.
  pool.on("error", () => undefined);
  await publishLedger(planes[0].service, size);
  return {
    pool,
    planes,
    async addPlane() {
      planes.push(await start(`plane-${planes.length + 1}`));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(planes.map((plane) => plane.stop()));
      await pool.end();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let fleets = 0;
async function upgrade(world: World, count: number): Promise<FleetRun> {
  fleets += 1;
  const label = `f${fleets}`;
  const names = Array.from({ length: count }, (_, index) => `${label}-${index + 1}`);
  await installTenants(world.planes[0].service, names, label);
  const run = await runFleet(world.planes, { label, tenants: count, concurrency });
  if (run.moved !== count) throw new Error(`${run.moved} of ${count} tenants were moved.`);
  return run;
}

const rate = (count: number, seconds: number): string => `${(count / seconds).toFixed(1)} tenants/s`;

/** Where a tenant's time goes: the steps of the ledger, and what is between them. */
async function tellSteps({ pool }: World): Promise<void> {
  const { rows } = await pool.query<{ name: string; ms: number }>(
    `select s.name, avg(extract(epoch from s.finished_at - s.started_at) * 1000)::float8 as ms
     from aibos.migration_steps s join aibos.migration_records r on r.id = s.migration_id
     where r.fleet_upgrade_id is not null and s.finished_at is not null group by 1 order by min(s.position)`,
  );
  const all = await pool.query<{ ms: number }>(
    `select avg(extract(epoch from finished_at - created_at) * 1000)::float8 as ms
     from aibos.migration_records where fleet_upgrade_id is not null`,
  );
  const whole = all.rows[0]?.ms ?? 0;
  const steps = rows.reduce((sum, { ms }) => sum + ms, 0);
  const list = [...rows, { name: "between", ms: whole - steps }].map(({ name, ms }) => `${name} ${ms.toFixed(0)}`);
  console.log(`  a tenant's ${whole.toFixed(0)} ms: ${list.join(", ")}`);
}

async function againstScript(): Promise<void> {
  console.log(`\n${tenants} tenants of ${USUAL.tables} tables with ${USUAL.rows} rows, ${concurrency} at once`);
  await using world = await createWorld(USUAL);
  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const ours = await upgrade(world, tenants);
    const schemas = Array.from({ length: tenants }, (_, index) => `bare_${round}_${index + 1}`);
    await createBareSchemas(world.pool, schemas, USUAL);
    const started = performance.now();
    await atOnce(schemas, concurrency, async (schema) => {
      const client = await world.pool.connect();
      try {
        await moveBare(client, schema, USUAL);
      } finally {
        client.release();
      }
    });
    const bare = (performance.now() - started) / 1_000;
    ratios.push(ours.seconds / bare);
    console.log(
      `  ours ${ours.seconds.toFixed(1)} s (${rate(tenants, ours.seconds)}, control plane's processor ` +
        `${ours.cpuSeconds.map((cpu) => cpu.toFixed(1)).join(" + ")} s), script ${bare.toFixed(1)} s (${rate(tenants, bare)})`,
    );
  }
  const { median, p10, p90 } = spreadOf(ratios);
  await tellSteps(world);
  console.log(
    `${median <= 1.3 ? "met   " : "MISSED"}  ${median.toFixed(2)} × (${p10.toFixed(2)} to ${p90.toFixed(2)}), at most 1.30`,
  );
}

async function atScale(): Promise<void> {
  console.log(`\n${many} small tenants against ${Math.min(tenants, many)}, ${concurrency} at once`);
  await using world = await createWorld(SMALL);
  const few = Math.min(tenants, many);
  const less = few / (await upgrade(world, few)).seconds;
  const run = await upgrade(world, many);
  const more = many / run.seconds;
  const growth = run.memoryGrowth / 2 ** 20;
  const [listing, progress] = [spreadOf(run.listingMs), spreadOf(run.progressMs)];
  const line = (met: boolean, text: string): void => console.log(`${met ? "met   " : "MISSED"}  ${text}`);
  line(
    more / less >= 0.85,
    `${more.toFixed(1)} against ${less.toFixed(1)} tenants/s: ${(more / less).toFixed(2)} ×, at least 0.85`,
  );
  line(growth < 100, `the control plane's memory grew by ${growth.toFixed(0)} MB, less than 100`);
  line(
    listing.p90 < 50,
    `listing fleets ${listing.median.toFixed(1)} ms (p90 ${listing.p90.toFixed(1)}), less than 50`,
  );
  line(progress.p90 < 50, `progress ${progress.median.toFixed(1)} ms (p90 ${progress.p90.toFixed(1)}), less than 50`);
}

async function twoPlanes(): Promise<void> {
  console.log(`\n${tenants} small tenants with one control plane and with two, ${concurrency} at once in each`);
  await using world = await createWorld(SMALL);
  const one = await upgrade(world, tenants);
  await world.addPlane();
  const two = await upgrade(world, tenants);
  const ratio = one.seconds / two.seconds;
  const cpu = (run: FleetRun): string =>
    run.cpuSeconds.map((s) => `${((s / run.seconds) * 100).toFixed(0)} %`).join(", ");
  console.log(
    `  one ${rate(tenants, one.seconds)}, busy ${cpu(one)}; two ${rate(tenants, two.seconds)}, busy ${cpu(two)}`,
  );
  console.log(
    `${ratio >= 1.5 ? "met   " : "MISSED"}  ${ratio.toFixed(2)} ×, at least 1.50, where cores and database allow`,
  );
}

const RUNS = { script: againstScript, scale: atScale, planes: twoPlanes };
for (const part of parts) await RUNS[part]();
