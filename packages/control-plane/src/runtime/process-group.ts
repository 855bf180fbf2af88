import { setTimeout as sleep } from "node:timers/promises";
import { processIdentity } from "./process-identity.ts";

const POLL_MS = 20;

/** A process that leads its own group, and what identifies it. */
export interface ProcessGroup {
  readonly pid: number;
  readonly identity: string;
}

export async function isRunning({ pid, identity }: ProcessGroup): Promise<boolean> {
  return (await processIdentity(pid)) === identity;
}

/**
 * Ends a group: SIGTERM to all of it, and SIGKILL to whatever is left when its leader ended or the time is over.
 * Resolves when the leader is gone. Another process that got the leader's number is left alone.
 */
export async function endGroup(group: ProcessGroup, graceMs: number): Promise<void> {
  const now = await processIdentity(group.pid);
  if (now !== undefined && now !== group.identity) return;
  signalGroup(group.pid, "SIGTERM");
  for (const until = performance.now() + graceMs; performance.now() < until && (await isRunning(group));) {
    await sleep(POLL_MS);
  }
  // The number of a leader is not given away while its group has members.
  signalGroup(group.pid, "SIGKILL");
  while (await isRunning(group)) await sleep(POLL_MS);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
