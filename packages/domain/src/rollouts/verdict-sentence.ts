import type { JudgementPolicy } from "./judgement-policy.ts";
import type { AnalysisVerdict } from "./verdict.ts";

/** What one analysis found, in one sentence: `error rate 2.1 % against 1 % (…): fail, …`. */
export function describeAnalysis(found: Omit<AnalysisVerdict, "sentence">, policy: JudgementPolicy): string {
  const { name, measure, old, fresh, samples, interval, verdict } = found;
  const unit = measure.kind === "paired" ? "windows" : "requests";
  if (old === null || fresh === null) {
    const which = samples.fresh === 0 ? "new" : "old";
    return `${name}: no ${unit} of the ${which} version in this step`;
  }
  const format = formatOf(measure);
  const difference = measure.kind === "error-rate" ? points : format;
  const confidence = `with ${significant(100 * (1 - policy.alpha))} % confidence`;
  const at =
    interval === null ? "" : `, ${sign(fresh - old, difference)}, ${confidence} ${range(interval, difference)}`;
  const compared = `${name} ${format(fresh)} against ${format(old)} (${count(samples.fresh)} and ${count(samples.old)} ${unit}${at})`;
  switch (verdict) {
    case "fail":
      return `${compared} is worse than is tolerated: evidence ${odds(found.evidence)}, needed ${odds(found.needed)}`;
    case "inconclusive":
      return samples.fresh < policy.minimumSamples && measure.kind !== "paired"
        ? `${compared} rests on too few requests: ${count(policy.minimumSamples)} are needed`
        : `${compared} may be worse: evidence ${odds(found.evidence)}, too much to pass and less than ${odds(found.needed)}`;
    case "pass":
    case "no-traffic":
      return `${compared} is no worse as far as can be seen: evidence ${odds(found.evidence)}`;
  }
}

/** An e-value as odds, such as "245 : 1". */
export function odds(log: number): string {
  if (log > Math.log(1e6)) return "more than 1,000,000 : 1";
  const value = Math.exp(log);
  return `${value >= 10 ? count(Math.round(value)) : value.toFixed(1)} : 1`;
}

function formatOf(measure: AnalysisVerdict["measure"]): (value: number) => string {
  switch (measure.kind) {
    case "error-rate":
      return (value) => `${significant(value * 100)} %`;
    case "latency":
      return (value) => `${significant(value)} ms`;
    case "paired":
      return (value) => `${significant(value)}${measure.unit === "" ? "" : ` ${measure.unit}`}`;
  }
}

/** A difference of two shares, in percentage points. */
function points(value: number): string {
  return `${significant(value * 100)} points`;
}

function sign(value: number, format: (value: number) => string): string {
  return `${value > 0 ? "+" : ""}${format(value)}`;
}

function range({ low, high }: { low: number; high: number }, format: (value: number) => string): string {
  if (!Number.isFinite(low) && !Number.isFinite(high)) return "anything";
  if (!Number.isFinite(high)) return `at least ${sign(low, format)}`;
  if (!Number.isFinite(low)) return `at most ${sign(high, format)}`;
  return `${sign(low, format)} to ${sign(high, format)}`;
}

function significant(value: number): string {
  return String(Number(value.toPrecision(3))).replace(/^-/, "−");
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
