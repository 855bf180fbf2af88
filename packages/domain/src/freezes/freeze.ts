import { Temporal } from "temporal-polyfill";

/** A time in which nothing may change, in milliseconds since the epoch: `to` is excluded. */
export interface Freeze {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** The freeze that is on at a moment; of several the one that ends last. */
export function freezeAt<T extends Freeze>(freezes: readonly T[], at: number): T | undefined {
  let last: T | undefined;
  for (const one of freezes) {
    if (one.from <= at && at < one.to && (last === undefined || one.to > last.to)) last = one;
  }
  return last;
}

/** When a moment's freeze is over, and those that follow on it without a gap; the moment itself when there is none. */
export function thawsAt(freezes: readonly Freeze[], at: number): number {
  let until = at;
  for (let next = freezeAt(freezes, until); next !== undefined; next = freezeAt(freezes, until)) until = next.to;
  return until;
}

/**
 * A moment as people write it, in milliseconds since the epoch: with an offset or Z, or as the clocks of a time zone
 * show it. A time that does not exist there is taken as much later as clocks go forward, one that comes twice is the
 * first one. Undefined when it is neither.
 */
export function readMoment(text: string, timeZone: string): number | undefined {
  try {
    if (/(?:Z|[+-]\d{2}:\d{2})$/.test(text)) return Temporal.Instant.from(text).epochMilliseconds;
    return Temporal.PlainDateTime.from(text).toZonedDateTime(timeZone).epochMilliseconds;
  } catch {
    return undefined;
  }
}
