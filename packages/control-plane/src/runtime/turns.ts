/** Runs work of one key one after the other, whatever came of the work before. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export interface Turns {
  readonly inTurn: InTurn;
  /** Resolves when everything that has begun or waits so far has ended. */
  readonly settled: () => Promise<void>;
}

export function createTurns(): Turns {
  const turns = new Map<string, Promise<unknown>>();
  return {
    inTurn(key, work) {
      const turn = (turns.get(key) ?? Promise.resolve()).then(work, work);
      turns.set(key, turn);
      return turn;
    },
    async settled() {
      await Promise.allSettled(turns.values());
    },
  };
}
