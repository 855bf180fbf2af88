import { InvalidArgumentError } from "commander";

// Parsers of options' values. What they throw becomes a usage error that names the option.

/** Gathers the values of an option that may be given more than once. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("It must be a port from 0 to 65535.");
  return port;
}

/** @param subject what the share is of; commander names an option by itself */
export function parsePercent(text: string, subject = "It"): number {
  const percent = Number(text.replace(/%$/, ""));
  if (text.trim() === "" || !(percent >= 0 && percent <= 100)) {
    throw new InvalidArgumentError(`${subject} must be a share from 0 to 100 percent.`);
  }
  return percent;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const LONGEST_WINDOW_DAYS = 400;

/** `90s`, `15m`, `6h` or `30d` in seconds; NaN for what is not written so. */
function secondsOf(text: string): number {
  const [, number, unit = "s"] = /^(\d{1,8})([smhd])?$/.exec(text) ?? [];
  return Number(number) * (UNIT_SECONDS[unit] ?? Number.NaN);
}

/** Whole days, 1 to 400. */
export function parseDays(text: string): number {
  const days = Number(text);
  if (!/^\d{1,3}$/.test(text) || days < 1 || days > LONGEST_WINDOW_DAYS) {
    throw new InvalidArgumentError(`It must be a number of days from 1 to ${LONGEST_WINDOW_DAYS}.`);
  }
  return days;
}

/** A time to wait or to watch, in seconds. */
export function parseDuration(text: string): number {
  const seconds = secondsOf(text);
  if (!Number.isFinite(seconds)) throw new InvalidArgumentError("It must be a time such as 90s, 15m, 6h or 30d.");
  return seconds;
}

/** A span of the past, in seconds. */
export function parseWindow(text: string): number {
  const seconds = secondsOf(text);
  if (!(seconds >= 10 && seconds <= LONGEST_WINDOW_DAYS * 86_400)) {
    throw new InvalidArgumentError(
      `It must be a time from 10s to ${LONGEST_WINDOW_DAYS}d, such as 90s, 15m, 6h or 30d.`,
    );
  }
  return seconds;
}

/** A whole number from 1 to 100,000. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,6}$/.test(text) || count < 1 || count > 100_000) {
    throw new InvalidArgumentError("It must be a whole number from 1 to 100000.");
  }
  return count;
}

export function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > 1_000) throw new InvalidArgumentError("It must be 1 to 1000.");
  return limit;
}

/** An identifier that the server gave, such as `mig_8f3c2a1b9d04`. */
export function parseReference(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,60}$/.test(text)) {
    throw new InvalidArgumentError('It must be an identifier as it was printed, such as "mig_8f3c2a1b9d04".');
  }
  return text;
}

/** `key=value`, as a pair. A value may have further equals signs. `form` is how people are told to write it. */
export function parsePair(text: string, form = "key=value"): readonly [key: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`${JSON.stringify(text)} must be written ${form}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A length of time such as `90s`, `15m`, `6h` or `30d`, in seconds, from 0 up. */
export function parseSeconds(text: string): number {
  const [, number, unit = "s"] = /^(\d{1,7})([smhd])?$/.exec(text) ?? [];
  const seconds = Number(number) * (UNIT_SECONDS[unit] ?? Number.NaN);
  if (Number.isNaN(seconds)) throw new InvalidArgumentError("It must be a time such as 90s, 15m, 6h or 30d.");
  return seconds;
}
