import { isDeepStrictEqual } from "node:util";
import type { Migration } from "@aibos/contract";
import type { SchemaFingerprint } from "@aibos/tenant-data";
import { setBreakpoint, waitForBreakpoint } from "./breakpoint.ts";
import { type Cell, publishes } from "./cells.ts";
import { type CrashWorld, ended, insist } from "./crash-world.ts";
import type { Fault } from "./faults.ts";
import { fingerprintTenant, inspectTenant, leftoverSchemas, moduleProcesses, type TenantFacts } from "./inspection.ts";

/** What came of one cell; no problems where all is as it must be. */
export interface Outcome {
  readonly cell: Cell;
  readonly status: string;
  readonly problems: readonly string[];
}

interface Subject {
  readonly cell: Cell;
  readonly tenant: string;
  readonly facts: TenantFacts | undefined;
  readonly fingerprint: SchemaFingerprint | undefined;
}

/**
 * Has one operation stand at each cell's instant, lets a fault strike them all at once, and looks at everything when
 * they have ended. Each tenant must be wholly old or wholly new, and its record must say which.
 */
export async function crashBatch(
  world: CrashWorld,
  fault: Fault,
  cells: readonly Cell[],
  { round, newTenant }: { round: number; newTenant: () => string },
): Promise<{ outcomes: Outcome[]; problems: string[] }> {
  const { first } = world;
  const named = cells.map((cell) => ({ cell, tenant: newTenant() }));
  await Promise.all(named.map(({ cell, tenant }) => bringUp(world, cell, tenant)));
  const subjects: Subject[] = [];
  for (const { cell, tenant } of named) subjects.push(await describeSubject(world, cell, tenant));
  const ids: string[] = [];
  const start = async ({ cell, tenant }: Subject): Promise<number> => {
    const breakpoint = await setBreakpoint(world.client, cell.instant, tenant);
    ids.push((await first.service.start(tenant, "notes", cell.scenario.operation)).id);
    return breakpoint;
  };
  const breakpoints: number[] = [];
  for (const subject of subjects.filter(({ cell }) => !publishes(cell))) breakpoints.push(await start(subject));
  if (breakpoints.length > 0) await waitForBreakpoint(world.client, breakpoints);
  for (const subject of subjects.filter(({ cell }) => publishes(cell))) {
    await waitForBreakpoint(world.client, [await start(subject)]);
  }

  const strike = { number: round, struck: first };
  await fault.strike(world, strike);
  const migrations = await Promise.all(ids.map((id) => ended(() => fault.witness(world, strike), id)));
  const outcomes = await check(world, fault, subjects, migrations);
  const problems = await fault.repair(world, strike);
  // What was repaired may have changed something, too.
  const again = await check(world, fault, subjects, migrations);
  for (const [index, { problems: later }] of again.entries()) {
    if (!isDeepStrictEqual(later, outcomes[index]?.problems)) problems.push(...later);
  }
  problems.push(...(await settled(world)));
  for (const { tenant } of subjects) problems.push(...(await askThroughGateway(world, tenant)));
  return { outcomes, problems };
}

async function bringUp({ first: { service } }: CrashWorld, { scenario }: Cell, tenant: string): Promise<void> {
  await service.createTenant({ id: tenant });
  await scenario.prepare(service, tenant);
}

async function describeSubject({ client }: CrashWorld, cell: Cell, tenant: string): Promise<Subject> {
  const facts = await inspectTenant(client, tenant);
  return { cell, tenant, facts, fingerprint: await fingerprintTenant(client, tenant) };
}

async function check(
  { client }: CrashWorld,
  fault: Fault,
  subjects: readonly Subject[],
  migrations: readonly Migration[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { cell, tenant, facts: before, fingerprint } of subjects) {
    const migration = migrations.find((one) => one.tenant === tenant);
    if (migration === undefined) throw new Error(`Nothing is known of the operation of ${tenant}.`);
    const { expected, scenario } = cell;
    const undone = migration.status === "rolled-back";
    const problems: string[] = [];
    if (migration.status !== scenario.status && !(undone && fault.mayUndo)) {
      problems.push(`it ended ${migration.status}: ${migration.failure?.message ?? ""}`);
    }
    const wanted = undone ? before : expected;
    const facts = await inspectTenant(client, tenant);
    for (const key of Object.keys({ ...wanted, ...facts }) as (keyof TenantFacts)[]) {
      if (isDeepStrictEqual(facts?.[key], wanted?.[key])) continue;
      problems.push(`${key} is ${JSON.stringify(facts?.[key])}, not ${JSON.stringify(wanted?.[key])}`);
    }
    if (undone && !isSame(fault, await fingerprintTenant(client, tenant), fingerprint)) {
      problems.push("structure or data are not what they were before");
    }
    problems.push(...checkReport(migration));
    outcomes.push({ cell, status: migration.status, problems });
  }
  return outcomes;
}

/** Whether structure and data are the same. A server that was killed gives sequences some numbers ahead. */
export function isSame(
  { name }: Fault,
  one: SchemaFingerprint | undefined,
  other: SchemaFingerprint | undefined,
): boolean {
  if (name !== "postgres") return isDeepStrictEqual(one, other);
  return one?.structure === other?.structure && isDeepStrictEqual(one?.tables, other?.tables);
}

/** The entries say the same as the record. */
function checkReport({ status, failure, steps }: Migration): string[] {
  const problems: string[] = [];
  if (status === "succeeded") {
    if (failure !== null) problems.push(`it succeeded, and tells of a failure: ${failure.message}`);
    const other = steps.find((step) => step.status !== "succeeded");
    if (other !== undefined) problems.push(`it succeeded, and step "${other.name}" is ${other.status}`);
  } else if (failure === null) problems.push(`it ended ${status} and does not say why`);
  if (status === "rolled-back") {
    const left = steps.find((step) => step.status === "succeeded" || step.status === "running");
    if (left !== undefined) problems.push(`it was undone, and step "${left.name}" is ${left.status}`);
  }
  return problems;
}

/** Nothing is left over: no schema of nobody's, no process of a version that is not known. */
export async function settled(world: CrashWorld): Promise<string[]> {
  const leftover = await leftoverSchemas(world.client);
  const problems = leftover.length > 0 ? [`schemas that belong to nobody: ${leftover.join(", ")}`] : [];
  try {
    await insist(async () => {
      const [processes, { items }] = [await moduleProcesses(world.folder), await world.first.service.listDeployments()];
      const running = items.filter((deployment) => deployment.pid !== null).length;
      if (processes.length !== running) {
        throw new Error(`${processes.length} module processes run, ${running} deployments are known`);
      }
    }, 90_000);
  } catch (error) {
    problems.push(messageOf(error));
  }
  return problems;
}

/** Users get one of the versions that their tenant is on, and none where it uses the module no more. */
export async function askThroughGateway(world: CrashWorld, tenant: string): Promise<string[]> {
  const facts = await inspectTenant(world.client, tenant);
  const versions = Object.entries(facts?.weights ?? {}).flatMap(([version, weight]) => (weight > 0 ? [version] : []));
  try {
    await insist(async () => {
      const answer = await fetch(`${world.gateway.url}/t/${tenant}/notes/`);
      const { version } = (await answer.json()) as { version?: string };
      const right = versions.length === 0 ? answer.status === 404 : versions.includes(version ?? "");
      if (!right) throw new Error(`the gateway answers ${tenant} with ${answer.status} ${version ?? ""}`);
    }, 60_000);
    return [];
  } catch (error) {
    return [`${messageOf(error)}; it should be ${versions.join(" or ")}`];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
