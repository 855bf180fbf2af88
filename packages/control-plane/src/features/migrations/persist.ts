import { FencedError } from "./fence.ts";

const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 10_000;

export interface PersistOptions {
  /** Resolves after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Hears why something has to be tried again. */
  readonly troubled: (migrationId: string, what: string, error: unknown) => void;
}

/** Repeats work of a migration until it succeeds. @throws FencedError alone */
export type Persist = <T>(migrationId: string, what: string, work: () => Promise<T>) => Promise<T>;

/**
 * For what must happen in the end, whatever the database says at the moment: an operation that stopped there would keep
 * its tenant busy, with requests held, for ever.
 */
export function createPersist({ sleep, troubled }: PersistOptions): Persist {
  return async (migrationId, what, work) => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof FencedError) throw error;
        troubled(migrationId, what, error);
        await sleep(retryDelay(tries));
      }
    }
  };
}

/** Milliseconds to wait after so many tries that failed before: each time twice as long, up to ten seconds. */
export function retryDelay(tries: number): number {
  return Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** tries);
}
