import { isDeepStrictEqual } from "node:util";
import type { FleetUpgrade } from "@aibos/contract";
import type { SchemaFingerprint } from "@aibos/tenant-data";
import { type Instant, type MemberInstant, setBreakpoint, type Stopped, waitForBreakpoint } from "./breakpoint.ts";
import { askThroughGateway, isSame, settled } from "./crash-batch.ts";
import { type CrashWorld, insist, type Plane } from "./crash-world.ts";
import type { Fault } from "./faults.ts";
import { fingerprintTenant, inspectTenant, type TenantFacts } from "./inspection.ts";

/** A fleet upgrade, and the instant of it, or of the first migration of it that comes there, at which a fault strikes. */
export interface FleetCell {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly instant: Instant | MemberInstant;
  /** What a tenant looks like that nothing happened to. */
  readonly expected: TenantFacts | undefined;
}

const TENANTS = 4;

/**
 * Has a fleet upgrade stand at an instant, lets a fault strike, and looks at every tenant when it has ended: each is
 * counted once, as what it is. One that is taken back afterwards brings all back to the byte.
 */
export async function crashFleet(
  world: CrashWorld,
  fault: Fault,
  cell: FleetCell,
  { round, newTenant }: { round: number; newTenant: () => string },
): Promise<string[]> {
  const { client, first } = world;
  const label = `fleet-${round}`;
  const tenants = Array.from({ length: TENANTS }, newTenant);
  await Promise.all(
    tenants.map(async (id) => {
      await first.service.createTenant({ id, labels: { crash: label } });
      await first.service.install(id, "notes", cell.from);
    }),
  );
  const before = await readAll(client, tenants);
  const taken = "member" in cell.instant && cell.instant.member.startsWith("return");

  const begin = async (): Promise<string> => {
    const fleet = await first.service.startFleetUpgrade("notes", cell.to, {
      labels: { crash: label },
      batchSize: 3,
      concurrency: 2,
      maxFailures: TENANTS,
      waves: [{ upTo: 100, soakSeconds: 0 }],
    });
    return fleet.id;
  };
  let breakpoint = -1;
  if (!taken) breakpoint = await setBreakpoint(client, cell.instant);
  const id = await begin();
  if (taken) {
    await inState(world, fault, { number: round, struck: first }, id, ["done"]);
    breakpoint = await setBreakpoint(client, cell.instant);
    await first.service.rollbackFleetUpgrade(id);
  }
  const stopped = await waitForBreakpoint(client, [breakpoint]);
  const strike = { number: round, struck: await planeOf(world, stopped) };
  await fault.strike(world, strike);
  const fleet = await inState(world, fault, strike, id, taken ? ["rolled-back"] : ["done", "halted"]);
  const problems = await checkFleet(world, fault, cell, fleet, { tenants, before });
  problems.push(...(await fault.repair(world, strike)), ...(await settled(world)));
  for (const tenant of tenants) problems.push(...(await askThroughGateway(world, tenant)));
  return problems;
}

/** The control plane whose session stands at the breakpoint. */
async function planeOf({ client, first, second }: CrashWorld, [stopped]: readonly Stopped[]): Promise<Plane> {
  const { rows } = await client.query<{ home: string }>(
    "select home from aibos.control_plane_processes where 'aibos/' || id = $1",
    [stopped?.session ?? ""],
  );
  return rows[0]?.home === second.folder ? second : first;
}

function inState(
  world: CrashWorld,
  fault: Fault,
  strike: Parameters<Fault["witness"]>[1],
  id: string,
  states: readonly string[],
): Promise<FleetUpgrade> {
  return insist(async () => {
    const fleet = await fault.witness(world, strike).getFleetUpgrade(id);
    if (states.includes(fleet.status)) return fleet;
    throw new Error(`${id} is ${fleet.status}: ${fleet.reason} ${JSON.stringify(fleet.counts)}`);
  });
}

async function readAll(client: CrashWorld["client"], tenants: readonly string[]) {
  const found = new Map<string, { facts: TenantFacts | undefined; fingerprint: SchemaFingerprint | undefined }>();
  for (const tenant of tenants) {
    found.set(tenant, {
      facts: await inspectTenant(client, tenant),
      fingerprint: await fingerprintTenant(client, tenant),
    });
  }
  return found;
}

async function checkFleet(
  world: CrashWorld,
  fault: Fault,
  cell: FleetCell,
  fleet: FleetUpgrade,
  { tenants, before }: { tenants: readonly string[]; before: Awaited<ReturnType<typeof readAll>> },
): Promise<string[]> {
  const problems: string[] = [];
  const { rows: members } = await world.client.query<{ tenant: string; status: string; migrations: number }>(
    `select m.tenant, m.status, (select count(*)::int from aibos.migration_records r
       where r.fleet_upgrade_id = m.fleet_upgrade_id and r.tenant = m.tenant and r.kind = 'migrate') as migrations
     from aibos.fleet_upgrade_members m where m.fleet_upgrade_id = $1 order by m.tenant`,
    [fleet.id],
  );
  const counted: Record<string, number> = {};
  for (const { status } of members) counted[status] = (counted[status] ?? 0) + 1;
  const reported = Object.fromEntries(Object.entries(fleet.counts).filter(([, count]) => count > 0));
  if (!isDeepStrictEqual(reported, counted)) {
    problems.push(`it reports ${JSON.stringify(reported)}, and its tenants are ${JSON.stringify(counted)}`);
  }
  if (members.length !== tenants.length) problems.push(`${members.length} of ${tenants.length} tenants are counted`);
  const after = await readAll(world.client, tenants);
  for (const { tenant, status, migrations } of members) {
    if (migrations !== 1) problems.push(`${tenant} was moved by ${migrations} migrations`);
    const allowed = status === "moved" || status === "returned" || (status === "failed" && fault.mayUndo);
    if (!allowed) problems.push(`${tenant} is ${status}`);
    const { facts, fingerprint } = after.get(tenant) ?? {};
    const old = before.get(tenant);
    const wanted = status === "moved" ? cell.expected : old?.facts;
    if (!isDeepStrictEqual(facts, wanted)) {
      problems.push(`${tenant}, ${status}, is ${JSON.stringify(facts)}, not ${JSON.stringify(wanted)}`);
    }
    if (status !== "moved" && !isSame(fault, fingerprint, old?.fingerprint)) {
      problems.push(`${tenant}, ${status}, has not the structure and data of before`);
    }
  }
  return problems;
}
