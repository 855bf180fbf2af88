/** How much worse than the old version the new one may be before it counts: old × (1 + relative) + absolute. */
export interface Tolerance {
  /** As a share of the old version's value, from 0 up: 0.1 is ten percent. */
  readonly relative: number;
  /** In the value's own unit. */
  readonly absolute: number;
}

/** The largest value of the new version that is still as good as `old`. */
export function tolerated(old: number, { relative, absolute }: Tolerance): number {
  return old * (1 + relative) + absolute;
}
