import { rehearsalName } from "@aibos/domain";
import type { HeldLock } from "@aibos/tenant-data";
import type { StepRun } from "../../migration-step.ts";

/** Where a rehearsal's copy is, and who owns it. */
export function rehearsalPlace({ migrationId, platform }: StepRun<unknown>): { schema: string; role: string } {
  const name = rehearsalName(platform.installation, migrationId);
  return { schema: name, role: name };
}

/** The same work on the copy: a step that is given this finds its data there. */
export function onCopy<With>(run: StepRun<With>): StepRun<With> {
  return { ...run, ...rehearsalPlace(run) };
}

/** So many locks of a step are told of. */
const MOST = 30;

/** Gathers the longest time that each lock was held. */
export class HeldLocks {
  readonly #longest = new Map<string, HeldLock>();

  readonly add = (lock: HeldLock): void => {
    const key = `${lock.table} ${lock.mode}`;
    const known = this.#longest.get(key);
    if (known === undefined || known.ms < lock.ms) this.#longest.set(key, lock);
  };

  /** Longest first. */
  list(): HeldLock[] {
    return [...this.#longest.values()].sort((a, b) => b.ms - a.ms).slice(0, MOST);
  }
}
