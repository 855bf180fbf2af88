/** Numbers from 0 to 1 that are the same for the same seed. Source: mulberry32 by Tommy Ettinger. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** How many of `total` tries with probability `p` come true. */
export function drawBinomial(random: () => number, total: number, p: number): number {
  if (p <= 0) return 0;
  // By the gaps between successes, which are few when p is small.
  const log = Math.log1p(-Math.min(p, 1 - 1e-12));
  let yes = 0;
  for (let at = Math.floor(Math.log(1 - random()) / log); at < total; yes += 1) {
    at += 1 + Math.floor(Math.log(1 - random()) / log);
  }
  return yes;
}

/** A standard normal number (Box and Muller). */
export function drawNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
