import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { NOTES_VERSIONS, notesArchive } from "../packages/control-plane/src/testing/notes-module.ts";
import type { Instant, MemberInstant } from "./crash-test/breakpoint.ts";
import { batchesOf, type Cell, everyNth, instantsOf } from "./crash-test/cells.ts";
import { crashBatch } from "./crash-test/crash-batch.ts";
import { crashFleet, type FleetCell } from "./crash-test/crash-fleet.ts";
import { createCrashWorld } from "./crash-test/crash-world.ts";
import { type Fault, FAULT_NAMES, FAULTS } from "./crash-test/faults.ts";
import { inspectTenant, leftoverSchemas, type TenantFacts } from "./crash-test/inspection.ts";
import { type Scenario, SCENARIOS } from "./crash-test/scenarios.ts";

// The crash matrix: every step of the ledger, of every kind of operation, of those that succeed and of those that fail
// and are undone, and of fleet upgrades; times the control plane killed, PostgreSQL killed, the modules' processes
// killed, the gateway killed, and one of two control planes stopped past its lease and woken. Several tenants stand
// each at an instant of its own when a fault strikes.
//
// With DATABASE_URL it uses that server, else the embedded PostgreSQL of a temporary data folder, and with --own-server
// a second one that it starts as a server. --short takes some of the cells, the same ones each time, and others with
// --own-server. --fault NAME takes one fault.

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    "own-server": { type: "boolean", default: false },
    fault: { type: "string", multiple: true, default: [...FAULT_NAMES] },
    fleets: { type: "boolean", default: true },
    singles: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const databaseUrl = process.env["DATABASE_URL"] || undefined;
const ownServer = values["own-server"];
/** How many operations stand at their instants at once. */
const BATCH = 8;
/** Of so many cells the short form takes one. */
const STRIDE: Record<Fault["name"], number> = { "control-plane": 16, postgres: 36, module: 36, gateway: 36, pause: 52 };

const startedAt = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(5)} s  ${text}`);
let tenants = 0;
const newTenant = (): string => `t${(tenants += 1)}`;
let round = 0;
let cellCount = 0;
let failures = 0;
function report(what: string, problems: readonly string[]): void {
  failures += problems.length > 0 ? 1 : 0;
  say(`  ${problems.length === 0 ? "✔" : "✖"} ${what}${problems.map((text) => `\n        ${text}`).join("")}`);
}

const world = await createCrashWorld({ ownServer, databaseUrl });
try {
  for (const version of NOTES_VERSIONS) await world.first.service.publish(await notesArchive(version));
  const cells: Cell[] = [];
  for (const scenario of SCENARIOS) cells.push(...(await calm(scenario)));
  say(`${cells.length} instants of ${SCENARIOS.length} kinds of operations`);
  const fleetCells = fleetCellsOf(cells);
  for (const fault of FAULTS) {
    if (!values.fault.includes(fault.name)) continue;
    if (fault.name === "postgres" && databaseUrl !== undefined && !ownServer) {
      say("The server of DATABASE_URL is not ours to kill: postgres is left out.");
      continue;
    }
    await matrixOf(fault, cells, fleetCells);
  }
  const leftover = await leftoverSchemas(world.client);
  if (leftover.length > 0) report("in the end", [`schemas that belong to nobody: ${leftover.join(", ")}`]);
  await checkStatistics();
} catch (error) {
  const log = await readFile(join(world.first.folder, "control-plane.log"), "utf8").catch(() => "");
  say(`The control plane said last:\n${log.trimEnd().split("\n").slice(-25).join("\n")}`);
  throw error;
} finally {
  const orphans = await world.end();
  if (orphans.length > 0) report("in the end", [`processes that outlived the control plane: ${orphans.join("; ")}`]);
}
say(`${cellCount} cells, ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;

/** A tenant that nothing happens to shows which steps there are, and what the others must look like in the end. */
async function calm(scenario: Scenario): Promise<Cell[]> {
  const { service } = world.first;
  const tenant = newTenant();
  await service.createTenant({ id: tenant });
  await scenario.prepare(service, tenant);
  const before = await inspectTenant(world.client, tenant);
  const started = await service.start(tenant, "notes", scenario.operation);
  const { status, failure, steps } = await service.waitForMigration(started.id);
  const expected = await inspectTenant(world.client, tenant);
  if (status !== scenario.status) {
    throw new Error(`Without a fault, ${scenario.name} ended ${status}: ${failure?.message ?? ""}`);
  }
  if (status === "rolled-back" && !isDeepStrictEqual(before, expected)) {
    throw new Error(`Without a fault, ${scenario.name} left something else than there was before.`);
  }
  return instantsOf(steps).map((instant) => ({ scenario, instant, expected }));
}

/** Each instant of a migration of a fleet, with a hold and without one, and of its tenants' rows. */
function fleetCellsOf(cells: readonly Cell[]): FleetCell[] {
  const MEMBERS: readonly MemberInstant[] = (["claimed", "moving", "moved", "returning", "returned"] as const).map(
    (member) => ({ member }),
  );
  const kinds = [
    { name: "a fleet upgrade without a hold", from: "2.0.0", to: "2.3.0" },
    { name: "a fleet upgrade with a hold", from: "1.0.0", to: "2.0.0" },
  ];
  return kinds.flatMap((kind) => {
    const of = cells.filter(
      ({ scenario: { operation, status } }) =>
        operation.kind === "migrate" && operation.version === kind.to && status === "succeeded",
    );
    const expected: TenantFacts | undefined = of[0]?.expected;
    const instants: (Instant | MemberInstant)[] = [...of.map(({ instant }) => instant), ...MEMBERS];
    return instants.map((instant) => ({ ...kind, expected, instant }));
  });
}

async function matrixOf(fault: Fault, cells: readonly Cell[], fleetCells: readonly FleetCell[]): Promise<void> {
  const offset = FAULTS.indexOf(fault) * 5 + (ownServer ? STRIDE[fault.name] / 2 : 0);
  const singles = values.short ? everyNth(cells, STRIDE[fault.name], offset) : cells;
  const fleets = values.short ? everyNth(fleetCells, fleetCells.length, offset * 7) : fleetCells;
  await fault.prepare(world);
  if (values.singles) {
    say(`${fault.name}: ${singles.length} instants of operations`);
    for (const batch of batchesOf(singles, BATCH)) {
      round += 1;
      cellCount += batch.length;
      const { outcomes, problems } = await crashBatch(world, fault, batch, { round, newTenant });
      for (const { cell, status, problems: own } of outcomes) report(`${describe(cell)}: ${status}`, own);
      if (problems.length > 0) report(`round ${round}`, problems);
    }
  }
  if (values.fleets) {
    say(`${fault.name}: ${fleets.length} instants of fleet upgrades`);
    for (const cell of fleets) {
      round += 1;
      cellCount += 1;
      report(`${cell.name}, ${instantText(cell.instant)}`, await crashFleet(world, fault, cell, { round, newTenant }));
    }
  }
  await fault.finish(world);
}

/** Every migration is counted once. */
async function checkStatistics(): Promise<void> {
  const { rows } = await world.client.query<{ status: string; count: number }>(
    "select status, count(*)::int as count from aibos.migration_records where kind = 'migrate' group by 1",
  );
  const wanted = Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  const { byStatus } = await world.first.service.getMigrationStatistics("notes");
  const right = isDeepStrictEqual(byStatus, wanted);
  report("statistics", right ? [] : [`they say ${JSON.stringify(byStatus)}, not ${JSON.stringify(wanted)}`]);
}

function describe({ scenario, instant }: Cell): string {
  return `${scenario.name}, ${instantText(instant)}`;
}

function instantText(instant: Instant | MemberInstant): string {
  if ("member" in instant) return `a tenant ${instant.member}`;
  return `${instant.position} ${instant.step} ${instant.status}`;
}
