import { GrowthBookClient } from "@growthbook/growthbook";
import { FlagdCore } from "@openfeature/flagd-core";
import { initialize } from "unleash-client";
import { ALLOWED, type Contestant, FLAGS, KEYS, type Kind, KINDS } from "./workload.ts";

const SILENT = { error() {}, warn() {}, info() {}, debug() {} };

function eachFlag<T>(make: (kind: Kind, key: string) => T): Record<string, T> {
  return Object.fromEntries(KINDS.flatMap((kind) => KEYS[kind].map((key) => [key, make(kind, key)])));
}

function evaluatorsOf(
  make: (kind: Kind, keys: readonly string[]) => Contestant["evaluators"][Kind],
): Contestant["evaluators"] {
  return {
    "tenant-scoped": make("tenant-scoped", KEYS["tenant-scoped"]),
    "percentage of users": make("percentage of users", KEYS["percentage of users"]),
    attribute: make("attribute", KEYS.attribute),
  };
}

/** flagd's evaluator, in its faster mode. */
export async function flagd(): Promise<Contestant> {
  const targeting: Record<Kind, unknown> = {
    "tenant-scoped": { if: [{ "==": [{ var: "plan" }, "pro"] }, "on", "off"] },
    "percentage of users": {
      fractional: [
        ["on", 20],
        ["off", 80],
      ],
    },
    attribute: { if: [{ in: [{ var: "country" }, ALLOWED] }, "on", "off"] },
  };
  const core = new FlagdCore(undefined, SILENT);
  const flags = eachFlag((kind) => ({
    state: "ENABLED",
    variants: { on: true, off: false },
    defaultVariant: "off",
    targeting: targeting[kind],
  }));
  core.setConfigurations(JSON.stringify({ flags }));
  const ask = (key: string, context: Record<string, string>): boolean =>
    core.resolveBooleanEvaluation(key, false, context, SILENT).value;
  return {
    name: "flagd-core",
    evaluators: evaluatorsOf(
      (_, keys) =>
        ({ plan, user, attributes: { country } }, call) =>
          ask(keys[call % FLAGS] ?? "", { targetingKey: user, plan, country }),
    ),
  };
}

export function growthBook(): Contestant {
  const rules: Record<Kind, object> = {
    "tenant-scoped": { condition: { plan: "pro" }, force: true },
    "percentage of users": { force: true, coverage: 0.2, hashAttribute: "id", hashVersion: 2 },
    attribute: { condition: { country: { $in: ALLOWED } }, force: true },
  };
  const client = new GrowthBookClient();
  client.initSync({ payload: { features: eachFlag((kind) => ({ defaultValue: false, rules: [rules[kind]] })) } });
  return {
    name: "GrowthBook",
    evaluators: evaluatorsOf(
      (_, keys) =>
        ({ plan, user, attributes: { country } }, call) =>
          client.isOn(keys[call % FLAGS] ?? "", { attributes: { id: user, plan, country } }),
    ),
  };
}

export async function unleash(): Promise<Contestant> {
  const constraint = (contextName: string, values: readonly string[]) => ({
    name: "default",
    parameters: {},
    constraints: [{ contextName, operator: "IN", values: [...values], inverted: false, caseInsensitive: false }],
  });
  const strategies: Record<Kind, object> = {
    "tenant-scoped": constraint("plan", ["pro"]),
    "percentage of users": {
      name: "flexibleRollout",
      parameters: { rollout: "20", stickiness: "userId", groupId: "g" },
      constraints: [],
    },
    attribute: constraint("country", ALLOWED),
  };
  const data = Object.entries(eachFlag((kind) => strategies[kind])).map(([name, strategy]) => ({
    name,
    type: "release",
    enabled: true,
    stale: false,
    impressionData: false,
    variants: [],
    strategies: [strategy],
  }));
  const client = initialize({
    url: "http://127.0.0.1:1/api",
    appName: "bench",
    customHeaders: { Authorization: "none" },
    refreshInterval: 0,
    disableMetrics: true,
    bootstrap: { data: data as never },
    skipInstanceCountWarning: true,
  });
  client.on("error", () => undefined);
  client.on("warn", () => undefined);
  await new Promise<void>((resolve) => {
    client.once("ready", resolve);
  });
  return {
    name: "unleash-client",
    evaluators: evaluatorsOf(
      (_, keys) =>
        ({ plan, user, attributes: { country } }, call) =>
          client.isEnabled(keys[call % FLAGS] ?? "", { userId: user, properties: { plan, country } }),
    ),
  };
}
