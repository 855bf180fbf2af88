/** How many copies are kept, and for how long; what either keeps is kept, and with neither everything is. */
export interface Keep {
  readonly keepLast: number | null;
  readonly keepDays: number | null;
}

const DAY_MS = 86_400_000;

/**
 * Which copies a policy does not keep.
 *
 * @param copies newest first; `at` and `now` in milliseconds since the epoch
 */
export function chooseDropped<T extends { readonly at: number }>(
  copies: readonly T[],
  { keepLast, keepDays }: Keep,
  now: number,
): T[] {
  if (keepLast === null && keepDays === null) return [];
  return copies.filter(({ at }, index) => index >= (keepLast ?? 0) && now - at >= (keepDays ?? 0) * DAY_MS);
}
