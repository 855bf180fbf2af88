import { z } from "zod";
import { isTimeZone, WEEKDAYS } from "@aibos/domain";

// How a release's rollouts go: part of the manifest, and what a tenant's or one rollout's own policy is written in.

const seconds = z
  .int()
  .min(0)
  .max(90 * 86_400);
const clock = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'must be a time of day in quotes, such as "22:00"' });
const url = z.url({ protocol: /^https?$/, error: "must be an http or https address" }).max(2_000);
const percent = z
  .number()
  .gt(0)
  .lt(100)
  .refine((value) => Math.abs(Math.round(value * 100) - value * 100) < 1e-6, {
    error: "must be a percentage of users below 100, no finer than 0.01",
  });

const gateSchema = z.strictObject({
  kind: z
    .enum(["approval", "webhook", "window"])
    .describe("`approval`: somebody says yes; `webhook`: an address answers 2xx; `window`: it is such a time"),
  url: url.optional().describe("Of a webhook: gets a POST with the rollout as JSON, again each 10 s while it refuses"),
  from: clock.optional().describe("Of a window: its beginning"),
  to: clock.optional().describe("Of a window: its end; earlier than `from`: on the next day"),
  days: z.array(z.enum(WEEKDAYS)).optional().describe("Of a window: the days that it begins on; without it, every day"),
  timeZone: z
    .string()
    .refine(isTimeZone, { error: "is not a time zone such as Europe/Berlin" })
    .optional()
    .describe("Of a window: the time zone, UTC without it"),
});

const toleranceSchema = z
  .strictObject({
    relative: z.number().min(0).max(100).default(0).describe("As a share of the old version's value: 0.1 is 10 %"),
    absolute: z
      .number()
      .min(0)
      .default(0)
      .describe("In the metric's unit: 0.001 is 0.1 % of requests; latencies are in milliseconds"),
  })
  .describe("How much worse the new version may be before it counts");

const analysisSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, { error: "must be 1 to 40 lower-case letters, digits and dashes" })
    .describe("Names it in verdicts"),
  metric: z
    .enum(["error-rate", "latency", "cpu", "prometheus", "webhook"])
    .describe(
      "What is compared; `cpu` is processor time a request, the last two are numbers of yours: higher is worse",
    ),
  quantile: z.number().gt(0).lt(1).optional().describe("Of latency, which quantile: 0.95 for p95"),
  url: url.optional().describe("Of `prometheus`, the server; of `webhook`, the address: answers `{old, new}`"),
  query: z
    .string()
    .min(1)
    .max(2_000)
    .optional()
    .describe(
      "Of `prometheus`: gives one number, with `$version`, `$module` and `$tenants` (a regular expression) put in",
    ),
  unit: z.string().max(20).default("").describe("Of a number of yours, for people"),
  level: z
    .enum(["critical", "warn", "dry-run"])
    .default("critical")
    .describe("`critical` undoes the rollout; `warn` tells of it; `dry-run` only records it"),
  tolerance: toleranceSchema.prefault({}),
  weight: z
    .number()
    .gt(0)
    .max(1_000)
    .default(1)
    .describe("Its part of the false alarms, relative to the other analyses'"),
});

const stepSchema = z.strictObject({
  weight: percent.describe("Percent of users for the new version"),
  holdSeconds: seconds.default(300).describe("The step lasts so long at least"),
  minimumSamples: z
    .int()
    .min(1)
    .optional()
    .describe("Requests of the new version in this step; otherwise the policy's"),
  gates: z.array(gateSchema).max(10).default([]).describe("What must be open before this step begins"),
});

export const rolloutPolicySchema = z.strictObject({
  steps: z
    .array(stepSchema)
    .min(1)
    .max(50)
    .optional()
    .describe(
      "The steps before all users get the new version; without them, 1, 5, 10, 25 and 50 % over `targetSeconds`",
    ),
  targetSeconds: seconds.min(1).default(3_600).describe("Without `steps`: how long they take all together"),
  promotionGates: z.array(gateSchema).max(10).default([]).describe("What must be open before all users get it"),
  alpha: z
    .number()
    .min(1e-9)
    .max(0.5)
    .default(0.01)
    .describe("How often, at most, a version that is not worse may be rolled back"),
  minimumSamples: z.int().min(1).default(100).describe("Requests that the new version must have had in a step"),
  analyses: z
    .array(analysisSchema)
    .max(20)
    .default([
      {
        name: "error-rate",
        metric: "error-rate",
        unit: "",
        level: "critical",
        tolerance: { relative: 0, absolute: 0.001 },
        weight: 1,
      },
      {
        name: "p95",
        metric: "latency",
        quantile: 0.95,
        unit: "",
        level: "critical",
        tolerance: { relative: 0.1, absolute: 5 },
        weight: 1,
      },
    ])
    .describe("What is compared"),
  passes: z.int().min(1).max(100).default(2).describe("Looks in a row that must pass before a step ends"),
  onFailure: z.enum(["rollback", "hold"]).default("rollback").describe("What a failure does"),
  onInconclusive: z
    .enum(["hold", "advance", "pool"])
    .default("hold")
    .describe(
      "What too few requests or doubt do; `pool` looks at the other rollouts of the same versions and share, too",
    ),
  onNoTraffic: z
    .enum(["hold", "advance", "pool", "synthetic"])
    .default("hold")
    .describe("What a step without requests does; `synthetic` makes requests to both versions"),
  synthetic: z
    .strictObject({
      path: z
        .string()
        .regex(/^\/(?!\/)[\x21-\x7e]*$/, { error: "must be a URL path that begins with one `/`" })
        .default("/")
        .describe("Asked with GET, with a tenant's context; must change nothing"),
      requests: z.int().min(1).max(100).default(10).describe("Of each version, each 10 s"),
    })
    .prefault({})
    .describe("The requests of `onNoTraffic: synthetic`"),
  stickiness: z
    .enum(["break", "drain", "keep"])
    .default("break")
    .describe(
      "What becomes of the new version's users when they lose it: `break`: they go back at once; `drain`: they stay for " +
        "`drainSeconds`; `keep`: they stay until it is retired or shares change again",
    ),
  drainSeconds: z.int().min(1).max(604_800).default(300).describe("Of `stickiness: drain`"),
  cooldownSeconds: seconds
    .default(3_600)
    .describe("After a rollback, the same version is not tried again for so long unless somebody insists"),
});

export type RolloutPolicy = z.output<typeof rolloutPolicySchema>;
export type RolloutPolicyInput = z.input<typeof rolloutPolicySchema>;
export type RolloutGate = z.output<typeof gateSchema>;
export type RolloutAnalysis = z.output<typeof analysisSchema>;

/** Something in a policy that is well formed by itself and can't be meant so. */
export interface PolicyProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a policy's fields mean together. */
export function* brokenPolicyRules(policy: RolloutPolicy): Generator<PolicyProblem> {
  const names = new Set<string>();
  for (const [index, analysis] of policy.analyses.entries()) {
    const path = ["analyses", index];
    if (names.has(analysis.name)) yield { path: [...path, "name"], message: "is the name of an analysis before it" };
    names.add(analysis.name);
    yield* needs(path, analysis, "latency" === analysis.metric, "quantile", 'the metric "latency"');
    yield* needs(
      path,
      analysis,
      ["prometheus", "webhook"].includes(analysis.metric),
      "url",
      `the metric "${analysis.metric}"`,
    );
    yield* needs(path, analysis, "prometheus" === analysis.metric, "query", 'the metric "prometheus"');
  }
  for (const [index, step] of (policy.steps ?? []).entries()) {
    const before = policy.steps?.[index - 1]?.weight ?? 0;
    if (step.weight <= before) {
      yield { path: ["steps", index, "weight"], message: `must be more than the step before, ${before} %` };
    }
    yield* gateRules(["steps", index, "gates"], step.gates);
  }
  yield* gateRules(["promotionGates"], policy.promotionGates);
}

function* gateRules(path: readonly (string | number)[], gates: readonly RolloutGate[]): Generator<PolicyProblem> {
  for (const [index, gate] of gates.entries()) {
    const at = [...path, index];
    yield* needs(at, gate, gate.kind === "webhook", "url", 'the gate "webhook"');
    for (const field of ["from", "to"] as const)
      yield* needs(at, gate, gate.kind === "window", field, 'the gate "window"');
    for (const field of ["days", "timeZone"] as const) {
      if (gate.kind !== "window" && gate[field] !== undefined) {
        yield { path: [...at, field], message: 'is only for the gate "window"; remove it' };
      }
    }
  }
}

/** A field that one kind must have and the others must not. */
function* needs<T extends object>(
  path: readonly (string | number)[],
  value: T,
  needed: boolean,
  field: keyof T & string,
  by: string,
): Generator<PolicyProblem> {
  if (needed && value[field] === undefined) yield { path, message: `needs "${field}" for ${by}` };
  if (!needed && value[field] !== undefined)
    yield { path: [...path, field], message: `has no meaning here; remove it` };
}
