import { readdir, readFile } from "node:fs/promises";

/** Linux counts CPU time in hundredths of a second, whatever its own clock's rate is (`USER_HZ`). */
const MS_PER_TICK = 10;

/** What the processes of one group use. */
export interface GroupUsage {
  /** How long their CPU worked since they began, and that of their children that have ended; milliseconds. */
  readonly cpuMs: number;
  /** Resident memory of all of them; what they share counts for each. */
  readonly memoryBytes: number;
}

/** What process groups use, by the number of their leaders. Empty where there is no `/proc`, as outside of Linux. */
export async function readGroupUsage(leaders: ReadonlySet<number>): Promise<Map<number, GroupUsage>> {
  const usage = new Map<number, GroupUsage>();
  if (process.platform !== "linux" || leaders.size === 0) return usage;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const found = parseStat(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
    if (found === undefined || !leaders.has(found.group)) continue;
    const before = usage.get(found.group) ?? { cpuMs: 0, memoryBytes: 0 };
    usage.set(found.group, {
      cpuMs: before.cpuMs + found.ticks * MS_PER_TICK,
      memoryBytes: before.memoryBytes + (await residentBytes(pid)),
    });
  }
  return usage;
}

/** The group and the CPU time of a process, by proc(5). */
function parseStat(stat: string): { group: number; ticks: number } | undefined {
  // The second field is the program's name in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [, , group, , , , , , , , , user, system, childrenUser, childrenSystem] = fields.map(Number);
  if (group === undefined || user === undefined || system === undefined) return undefined;
  return { group, ticks: user + system + (childrenUser ?? 0) + (childrenSystem ?? 0) };
}

async function residentBytes(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}
