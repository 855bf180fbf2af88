/** Times of the week in which something may begin. */
export interface TimeWindow {
  /** `HH:MM`; `to` may be earlier than `from`: over midnight, and is of the day that it began on. */
  readonly from: string;
  readonly to: string;
  /** Empty: every day. */
  readonly days: readonly Weekday[];
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Whether a moment, in milliseconds since the epoch, is in the window. */
export function isInWindow({ from, to, days, timeZone }: TimeWindow, now: number): boolean {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const part = (type: string): string => parts.find((found) => found.type === type)?.value ?? "";
  const time = `${part("hour")}:${part("minute")}`;
  const today = WEEKDAYS.findIndex((day) => day === part("weekday").toLowerCase().slice(0, 3));
  const allows = (day: number): boolean => {
    const name = WEEKDAYS[(day + WEEKDAYS.length) % WEEKDAYS.length];
    return days.length === 0 || (name !== undefined && days.includes(name));
  };
  if (from <= to) return allows(today) && time >= from && time < to;
  return (allows(today) && time >= from) || (allows(today - 1) && time < to);
}

/** Whether the runtime knows a time zone's name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
