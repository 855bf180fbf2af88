/** How many failures a fleet upgrade bears: a number of tenants, or a share of them in percent. */
export type FailureLimit = { readonly count: number } | { readonly percent: number };

/** Failures borne in each wave, and in all. Not there: any number. */
export interface FailureLimits {
  readonly perWave?: FailureLimit | undefined;
  readonly inAll?: FailureLimit | undefined;
}

/** Whether there are more failures than the limit bears. A share is one of all `tenants`, those to come included. */
export function exceedsLimit(limit: FailureLimit | undefined, failed: number, tenants: number): boolean {
  if (limit === undefined || failed === 0) return false;
  return failed > ("count" in limit ? limit.count : (tenants * limit.percent) / 100);
}

/** `3` or `5 % of 200`. */
export function describeLimit(limit: FailureLimit, tenants: number): string {
  return "count" in limit ? String(limit.count) : `${limit.percent} % of ${tenants}`;
}
