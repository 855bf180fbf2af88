/** Requests in a second by one key; beyond that it is told to wait. */
export interface RateLimit {
  /** Seconds to wait; 0: go ahead. */
  take(key: string): number;
}

const MAX_KEYS = 50_000;

export function createRateLimit(perSecond: number, now: () => number): RateLimit {
  let second = 0;
  let taken = new Map<string, number>();
  return {
    take(key) {
      const current = Math.floor(now() / 1_000);
      if (current !== second || taken.size > MAX_KEYS) {
        second = current;
        taken = new Map();
      }
      const count = (taken.get(key) ?? 0) + 1;
      taken.set(key, count);
      return count > perSecond ? 1 : 0;
    },
  };
}
