import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import pg from "pg";
import type { FleetUpgrade } from "@aibos/contract";
import { startLocalPostgres } from "@aibos/local-postgres";
import {
  fingerprintsOf,
  PLANTED,
  plantFleet,
  publishBooks,
} from "../packages/control-plane/src/features/fleet-upgrades/testing/planted-fleet.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "./crash-test/control-plane-process.ts";

// A fleet with five tenants that fail, each for a reason of its own, on real control planes as processes of their own:
// halted by its limit and taken back to the byte; then moved by two processes, of which one is killed half way. Every
// tenant must be counted once, and be wholly old or wholly new. --tenants 40 is the short form.

const REASONS = {
  mute: "AIBOS_TENANT_UNHEALTHY",
  odd: "AIBOS_CONVERSION_FAILED",
  own: "AIBOS_CUSTOM_FIELD_CONFLICT",
  sick: "AIBOS_TENANT_UNHEALTHY",
  tied: "AIBOS_DEPENDENCY_UNMET",
};

const { values } = parseArgs({ options: { tenants: { type: "string", default: "200" } } });
const TENANTS = Number(values.tenants);
const FAILED = PLANTED.length;
const started = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
let held = true;
function check(what: string, ok: boolean, seen: unknown): void {
  held &&= ok;
  say(`${ok ? "✔" : "✖"} ${what}: ${typeof seen === "string" ? seen : JSON.stringify(seen)}`);
}

const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-fleet-")));
const server = await startLocalPostgres({ folder: join(folder, "server") });
const sql = new pg.Client({ connectionString: server.url });
await sql.connect();
const start = (name: string): Promise<ControlPlaneProcess> =>
  startControlPlaneProcess({ dataFolder: join(folder, name), databaseUrl: server.url });
const running = new Set<ControlPlaneProcess>();

try {
  const first = await start("first");
  running.add(first);
  await publishBooks(first.service);
  const tenants = await plantFleet(first.service, sql, TENANTS, { prefix: "a" });
  const before = await fingerprintsOf(sql, tenants);
  say(`${TENANTS} tenants are on 1.0.0`);
  await haltAndTakeBack(first, tenants, before);
  await moveAll(first, before);
} finally {
  await Promise.all([...running].map((process) => process.stop()));
  await sql.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
say(held ? "Everything held." : "Something did not hold.");
process.exitCode = held ? 0 : 1;

async function haltAndTakeBack(
  { service }: ControlPlaneProcess,
  tenants: readonly string[],
  before: Record<string, unknown>,
): Promise<void> {
  const { id } = await service.startFleetUpgrade("books", "2.0.0", { batchSize: 25, maxFailures: 3, concurrency: 6 });
  const halted = await service.waitForFleetUpgrade(id);
  check(
    "more than 3 failures halt it",
    halted.status === "halted",
    `${halted.reason} ${JSON.stringify(halted.counts)}`,
  );
  await service.rollbackFleetUpgrade(id);
  const back = await service.waitForFleetUpgrade(id);
  check("all are taken back", back.status === "rolled-back" && back.counts["kept"] === undefined, back.counts);
  const after = await fingerprintsOf(sql, tenants);
  const changed = tenants.filter((tenant) => !isDeepStrictEqual(after[tenant], before[tenant]));
  check(
    "to the exact fingerprints",
    changed.length === 0,
    `${tenants.length - changed.length} of ${tenants.length} are the same`,
  );
  await service.releaseVersion("books", "2.0.0");
}

async function moveAll(first: ControlPlaneProcess, before: Record<string, unknown>): Promise<void> {
  const second = await start("second");
  running.add(second);
  const { id } = await second.service.startFleetUpgrade("books", "2.0.0", {
    batchSize: 25,
    maxFailures: FAILED,
    concurrency: 4,
  });
  await until(second, id, ({ counts }) => (counts["moved"] ?? 0) > TENANTS / 3);
  const both = await sql.query(
    "select distinct claimed_by from aibos.fleet_upgrade_members where fleet_upgrade_id = $1 and claimed_by is not null",
    [id],
  );
  check("both processes move tenants", both.rowCount === 2, `${both.rowCount} processes`);
  running.delete(first);
  await first.kill();
  say("one of the two was killed");
  const done = await second.service.waitForFleetUpgrade(id);
  check("every tenant is settled", done.status === "done", done.reason);
  check(
    `${TENANTS - FAILED} moved, ${FAILED} did not`,
    done.counts["moved"] === TENANTS - FAILED && done.counts["failed"] === FAILED,
    done.counts,
  );
  for (const { tenant, code, reason } of done.failures) say(`    ${tenant}: ${code}: ${reason}`);
  check(
    "each for its reason",
    isDeepStrictEqual(Object.fromEntries(done.failures.map(({ tenant, code }) => [tenant, code])), REASONS),
    "",
  );
  const after = await fingerprintsOf(sql, PLANTED);
  check(
    "who failed is unchanged",
    PLANTED.every((tenant) => isDeepStrictEqual(after[tenant], before[tenant])),
    PLANTED.join(", "),
  );
  const versions = await sql.query<{ version: string; count: number }>(
    "select version, count(distinct tenant)::int as count from aibos.tenant_module_instances where module = 'books' and status <> 'retired' group by 1 order by 1",
  );
  check(
    "wholly old or wholly new",
    isDeepStrictEqual(versions.rows, [
      { version: "1.0.0", count: FAILED },
      { version: "2.0.0", count: TENANTS - FAILED },
    ]),
    versions.rows,
  );
  const twice = await sql.query(
    "select tenant from aibos.migration_records where fleet_upgrade_id = $1 and kind = 'migrate' group by 1 having count(*) > 1",
    [id],
  );
  check("nobody was moved twice", twice.rowCount === 0, `${twice.rowCount} were`);
}

async function until(
  { service }: ControlPlaneProcess,
  id: string,
  is: (fleet: FleetUpgrade) => boolean,
): Promise<void> {
  for await (const fleet of service.watchFleetUpgrade(id)) if (is(fleet)) return;
}
