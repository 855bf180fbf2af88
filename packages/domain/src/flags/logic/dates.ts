const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Milliseconds of an ISO 8601 date (UTC) or time with its zone, or of a number of seconds since 1970. */
function timeOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value * 1000 : null;
  if (typeof value !== "string" || !ISO.test(value)) return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}

/** `[time, time]`; null when one of them is no time. */
export function compareDates(values: readonly unknown[], isMet: (a: number, b: number) => boolean): boolean | null {
  const a = timeOf(values[0]);
  const b = timeOf(values[1]);
  return values.length !== 2 || a === null || b === null ? null : isMet(a, b);
}
