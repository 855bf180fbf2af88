import { setTimeout as sleep } from "node:timers/promises";
import type { MultiVersionService } from "@aibos/contract";
import { clearBreakpoints, releaseBreakpoints } from "./breakpoint.ts";
import type { CrashWorld, Plane } from "./crash-world.ts";
import { digest, moduleProcesses } from "./inspection.ts";

export const FAULT_NAMES = ["control-plane", "postgres", "module", "gateway", "pause"] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** Something that goes wrong while operations stand at their breakpoints. */
export interface Fault {
  readonly name: FaultName;
  /** Whether an operation may also end by being undone: what it needed was gone. */
  readonly mayUndo: boolean;
  /** Brings the world to what the fault needs. */
  prepare(world: CrashWorld): Promise<void>;
  /** After the last time that it strikes. */
  finish(world: CrashWorld): Promise<void>;
  /** Strikes, and lets those who stand at breakpoints go on, if they still can. */
  strike(world: CrashWorld, round: Round): Promise<void>;
  /** Who tells of operations while they come to their end. */
  witness(world: CrashWorld, round: Round): MultiVersionService;
  /** When they have ended: brings back what is gone. Resolves to what is wrong. */
  repair(world: CrashWorld, round: Round): Promise<string[]>;
}

export interface Round {
  readonly number: number;
  /** The control plane that is struck. */
  readonly struck: Plane;
}

/** A stopped control plane is declared dead after 15 s; and ends within so long when it is woken. */
const AWAKE_MS = 30_000;

const ofFirst = ({ first }: CrashWorld): MultiVersionService => first.service;
const nothing = async (): Promise<void> => undefined;
const noProblems = async (): Promise<string[]> => [];

async function letGo({ client }: CrashWorld): Promise<void> {
  await clearBreakpoints(client);
  await releaseBreakpoints(client);
}

const controlPlane: Fault = {
  name: "control-plane",
  mayUndo: false,
  prepare: nothing,
  finish: nothing,
  async strike(world) {
    await world.first.kill();
    await clearBreakpoints(world.client);
    // The next one ends the sessions that stand there.
    await world.first.start();
    await releaseBreakpoints(world.client);
  },
  witness: ofFirst,
  repair: noProblems,
};

const postgres: Fault = {
  name: "postgres",
  mayUndo: false,
  prepare: nothing,
  finish: nothing,
  async strike(world) {
    await clearBreakpoints(world.client);
    await world.killPostgres();
  },
  witness: ofFirst,
  repair: noProblems,
};

const moduleProcess: Fault = {
  name: "module",
  mayUndo: true,
  prepare: nothing,
  finish: nothing,
  async strike(world) {
    for (const process of await moduleProcesses(world.folder)) kill(Number.parseInt(process, 10), "SIGKILL");
    await letGo(world);
  },
  witness: ofFirst,
  repair: noProblems,
};

/** In every other round the gateway comes back at once, else when operations have done without it. */
const gateway: Fault = {
  name: "gateway",
  mayUndo: true,
  prepare: nothing,
  finish: nothing,
  async strike(world, { number }) {
    await world.gateway.kill();
    await letGo(world);
    if (number % 2 === 0) await world.startGateway();
  },
  witness: ofFirst,
  async repair(world, { number }) {
    if (number % 2 === 1) await world.startGateway();
    return [];
  },
};

/** SIGSTOP until others have taken the work over and finished it; then it is woken, and must change nothing. */
const pause: Fault = {
  name: "pause",
  mayUndo: false,
  async prepare({ second }) {
    await second.start();
  },
  finish: ({ second }) => second.stop(),
  async strike(world, { struck }) {
    kill(struck.process.pid, "SIGSTOP");
    // Their statements end, and their transactions stay open with all locks, until somebody ends the sessions.
    await letGo(world);
  },
  witness: ({ first, second }, { struck }) => (struck === first ? second : first).service,
  async repair({ client }, { struck }) {
    const problems: string[] = [];
    const before = await readRecords(client);
    const { process } = struck;
    kill(process.pid, "SIGCONT");
    const code = await Promise.race([process.exited, sleep(AWAKE_MS, "never" as const, { ref: false })]);
    if (code !== 70)
      problems.push(`the control plane that was woken ended with ${code}, not as one that was declared dead`);
    if (code === "never") await struck.kill();
    if ((await readRecords(client)) !== before) problems.push("the control plane that was woken changed the ledger");
    await struck.start();
    return problems;
  },
};

export const FAULTS: readonly Fault[] = [controlPlane, postgres, moduleProcess, gateway, pause];

function kill(pid: number, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
}

/** All that operations write down of themselves. */
async function readRecords(client: CrashWorld["client"]): Promise<string> {
  const records = await client.query("select r::text from aibos.migration_records r order by id");
  const steps = await client.query("select s::text from aibos.migration_steps s order by migration_id, position");
  const tenants = await client.query("select t::text from aibos.tenant_modules t order by tenant");
  const members = await client.query(
    "select m::text from aibos.fleet_upgrade_members m order by fleet_upgrade_id, tenant",
  );
  return digest([records.rows, steps.rows, tenants.rows, members.rows]);
}
