import { Temporal } from "temporal-polyfill";

/** Times of the week in which something may begin. */
export interface TimeWindow {
  /** `HH:MM`; `to` may be earlier than `from`: over midnight, and is of the day that it began on. */
  readonly from: string;
  /** Up to `24:00`. */
  readonly to: string;
  /** Empty: every day. */
  readonly days: readonly Weekday[];
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** When a window is open, in milliseconds since the epoch; `closes` is excluded. */
export interface OpenSpan {
  readonly opens: number;
  readonly closes: number;
}

/** A week, and as much again for days on which a change of the clocks leaves nothing of a window. */
const SEARCH_DAYS = 15;

/**
 * The span in which a moment is, or else the next one; undefined of a window that never opens.
 *
 * Clocks that go forward: a time that does not exist is the moment at which they do, so that a window from 02:30 to
 * 04:00 opens when clocks go from 02:00 to 03:00, and one from 02:00 to 03:00 does not open on that day. Clocks that go
 * back: a time that comes twice is the first one, so that a window from 02:00 to 03:00 is open for two hours.
 */
export function openSpan(window: TimeWindow, now: number): OpenSpan | undefined {
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(window.timeZone).toPlainDate();
  // One that began yesterday may go over midnight.
  for (let offset = -1; offset <= SEARCH_DAYS; offset += 1) {
    const span = spanOf(window, today.add({ days: offset }));
    if (span !== undefined && span.closes > now) return span;
  }
  return undefined;
}

/** Whether a moment, in milliseconds since the epoch, is in the window. */
export function isInWindow(window: TimeWindow, now: number): boolean {
  const span = openSpan(window, now);
  return span !== undefined && span.opens <= now;
}

/** Whether the runtime knows a time zone's name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function spanOf({ from, to, days, timeZone }: TimeWindow, date: Temporal.PlainDate): OpenSpan | undefined {
  const weekday = WEEKDAYS[date.dayOfWeek - 1];
  if (from === to || (days.length > 0 && (weekday === undefined || !days.includes(weekday)))) return undefined;
  const opens = momentOf(date, from, timeZone);
  const closes = momentOf(to < from ? date.add({ days: 1 }) : date, to, timeZone);
  return closes > opens ? { opens, closes } : undefined;
}

/** When a clock of the zone first shows a time, or one after it, on a date. */
function momentOf(date: Temporal.PlainDate, time: string, timeZone: string): number {
  if (time === "24:00") return momentOf(date.add({ days: 1 }), "00:00", timeZone);
  const wanted = date.toPlainDateTime(time);
  const found = wanted.toZonedDateTime(timeZone, { disambiguation: "compatible" });
  if (found.toPlainDateTime().equals(wanted)) return found.epochMilliseconds;
  // The time is left out: clocks went over it at the change before.
  return (found.add({ milliseconds: 1 }).getTimeZoneTransition("previous") ?? found).epochMilliseconds;
}
