/** How long the time of one row is. Coarser rows are made of finer ones, and kept for longer. */
export type Span = "10s" | "1m" | "1h";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Milliseconds. */
export const SPAN_MS: Readonly<Record<Span, number>> = { "10s": 10 * SECOND_MS, "1m": 60 * SECOND_MS, "1h": HOUR_MS };

/** A partition of a span's table has the rows of so many milliseconds. */
export const PARTITION_MS: Readonly<Record<Span, number>> = { "10s": HOUR_MS, "1m": DAY_MS, "1h": 30 * DAY_MS };

/** How long rows are kept at least, in milliseconds. */
export type MeasurementKeep = Readonly<Record<Span, number>>;

export const MEASUREMENT_KEEP: MeasurementKeep = { "10s": 6 * HOUR_MS, "1m": 14 * DAY_MS, "1h": 400 * DAY_MS };

/** The finest span whose rows are kept for a moment; undefined of one that none is kept for. */
export function spanKeptAt(at: number, now: number, keep: MeasurementKeep): Span | undefined {
  return (["10s", "1m", "1h"] as const).find((span) => startOf(at, coarserOf(span)) >= now - keep[span]);
}

/** When the span that a moment is in began. */
export function startOf(at: number, span: Span): number {
  return at - (at % SPAN_MS[span]);
}

/** A row is made anew from all finer ones of its time: they must be kept together. */
function coarserOf(span: Span): Span {
  return span === "10s" ? "1m" : "1h";
}
