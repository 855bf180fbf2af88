/**
 * The exact distribution of Mann and Whitney's U for samples of `m` and `n` without ties: `at(u)` is how likely at most
 * `u` is. By counting, as H. B. Mann and D. R. Whitney do (Ann. Math. Statist. 18, 1947).
 */
export function wilcoxonDistribution(m: number, n: number): { upTo(u: number): number; quantile(p: number): number } {
  const most = m * n;
  // Ways to reach each sum, built by the factors of the Gaussian binomial coefficient.
  const ways = new Float64Array(most + 1);
  ways[0] = 1;
  for (let i = 1; i <= m; i += 1) {
    for (let u = most; u >= n + i; u -= 1) ways[u] = (ways[u] ?? 0) - (ways[u - n - i] ?? 0);
    for (let u = i; u <= most; u += 1) ways[u] = (ways[u] ?? 0) + (ways[u - i] ?? 0);
  }
  const all = ways.reduce((sum, count) => sum + count, 0);
  const upTo = (u: number): number => {
    if (u < 0) return 0;
    let sum = 0;
    for (let i = 0; i <= Math.min(u, most); i += 1) sum += ways[i] ?? 0;
    return Math.min(1, sum / all);
  };
  return {
    upTo,
    quantile(p) {
      let u = 0;
      while (u < most && upTo(u) < p * (1 - 1e-13)) u += 1;
      return u;
    },
  };
}
