/** Lets those with the same key through one at a time, in the order in which they came. Who waits holds nothing. */
export interface Turns {
  /**
   * Does work when those before are done. @returns false, with the work not done, when that took longer than `waitMs`
   */
  take(key: string, waitMs: number, work: () => Promise<void>): Promise<boolean>;
}

export function createTurns(): Turns {
  /** For each key the end of who came last; it never fails. */
  const ends = new Map<string, Promise<void>>();

  return {
    async take(key, waitMs, work) {
      const before = ends.get(key);
      const { promise: done, resolve: end } = Promise.withResolvers<void>();
      // Who gives up is passed over when those before are done.
      const mine = before === undefined ? done : before.then(() => done);
      ends.set(key, mine);
      try {
        if (before !== undefined && !(await endsWithin(before, waitMs))) return false;
        await work();
        return true;
      } finally {
        end();
        if (ends.get(key) === mine) void mine.then(() => ends.get(key) === mine && ends.delete(key));
      }
    },
  };
}

async function endsWithin(waitedFor: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([waitedFor.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
