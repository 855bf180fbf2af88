/** Numbers that a seed repeats (mulberry32, public domain), and choices made by them. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  /** One of them; undefined of none. */
  pick<T>(some: readonly T[]): T | undefined;
  /** One of them, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T | undefined;
}

export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    int,
    chance: (probability) => next() < probability,
    pick: (some) => some[int(0, some.length - 1)],
    weighted(choices) {
      let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0);
      return choices.find(([weight]) => (left -= weight) < 0)?.[1] ?? choices.at(-1)?.[1];
    },
  };
}
