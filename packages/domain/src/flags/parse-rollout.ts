import type { FlagRamp, FlagRollout } from "./flag-definition.ts";
import type { FlagProblem } from "./flag-problem.ts";
import { isRecord, readFields } from "./read-fields.ts";

type Path = readonly (string | number)[];

/** A rollout as it is written, or what is wrong with it. Times are ISO 8601 texts. */
export function parseRollout(
  source: unknown,
  variants: ReadonlyMap<string, unknown>,
  { path, on }: { path: Path; on: string | undefined },
): { rollout?: FlagRollout; problems: FlagProblem[] } {
  if (!isRecord(source)) return { problems: [{ path, message: "must be an object such as { percent: 20 }" }] };
  const fields = readFields(source, path);
  const variant = fields.text("variant", 100) ?? on;
  if (variant === undefined) fields.fail("variant", "is needed: who is in gets this variant");
  else if (!variants.has(variant)) {
    fields.fail("variant", `is no variant of the flag; its variants are ${[...variants.keys()].join(", ")}`);
  }
  const by = parseBy(fields.take("by"));
  if (by === undefined) fields.fail("by", 'must be tenant, user, or an attribute such as { attribute: "country" }');
  const percent = fields.take("percent");
  const ramp = fields.take("ramp");
  const share = ramp === undefined ? percent : parseRamp(ramp, [...path, "ramp"], fields.problems);
  if (ramp !== undefined && percent !== undefined) fields.fail("ramp", "and percent can't both be given");
  if (ramp === undefined && !isPercent(percent)) fields.fail("percent", PERCENT);
  const seed = fields.text("seed", 200);
  fields.end();
  if (fields.problems.length > 0 || variant === undefined || by === undefined || share === undefined) {
    return { problems: fields.problems };
  }
  const rollout = { variant, by, percent: share as number | FlagRamp, ...(seed === undefined ? {} : { seed }) };
  return { rollout, problems: [] };
}

const PERCENT = "must be 0 to 100 with at most three decimals";

function parseBy(value: unknown): FlagRollout["by"] | undefined {
  if (value === undefined || value === "user") return "user";
  if (value === "tenant") return "tenant";
  if (!isRecord(value) || Object.keys(value).length !== 1) return undefined;
  const { attribute } = value;
  return typeof attribute === "string" && attribute !== "" ? { attribute } : undefined;
}

function isPercent(value: unknown): value is number {
  return (
    typeof value === "number" && value >= 0 && value <= 100 && Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-6
  );
}

function parseRamp(source: unknown, path: Path, problems: FlagProblem[]): FlagRamp | undefined {
  if (!isRecord(source)) {
    problems.push({ path, message: 'must be an object such as { from: 0, to: 100, start: "…", end: "…" }' });
    return undefined;
  }
  const fields = readFields(source, path);
  const from = fields.take("from") ?? 0;
  const to = fields.take("to") ?? 100;
  if (!isPercent(from)) fields.fail("from", PERCENT);
  if (!isPercent(to)) fields.fail("to", PERCENT);
  const start = parseTime(fields.take("start"));
  const end = parseTime(fields.take("end"));
  if (start === undefined) fields.fail("start", TIME);
  if (end === undefined) fields.fail("end", TIME);
  if (start !== undefined && end !== undefined && end <= start) fields.fail("end", "must be after start");
  fields.end();
  problems.push(...fields.problems);
  if (fields.problems.length > 0 || start === undefined || end === undefined) return undefined;
  return { from: from as number, to: to as number, start, end };
}

export const TIME = "must be a time such as 2027-01-31T08:00:00Z";

/** Milliseconds since 1970 of an ISO 8601 time with its zone. */
export function parseTime(value: unknown): number | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(value)) {
    return undefined;
  }
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}
