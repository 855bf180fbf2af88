import { readFile } from "node:fs/promises";
import {
  AsyncLocalStorageTransactionContextPropagator,
  type Client,
  type EvaluationContext,
  type EvaluationDetails,
  type Hook,
  type JsonValue,
  OpenFeature,
  type Provider,
} from "@openfeature/server-sdk";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { FlagSnapshot } from "@aibos/contract";
import { createLocalProvider } from "./local-provider.ts";
import { FEED_KEY, type FakeFeed, startFakeFeed } from "./testing/fake-feed.ts";
import { type GherkinScenario, type GherkinStep, readFeature } from "./testing/gherkin.ts";
import { openFeatureFlags } from "./testing/openfeature-flags.ts";

// OpenFeature's own scenarios, with the real SDK, on the provider that evaluates in process.

const read = async (name: string): Promise<GherkinScenario[]> =>
  readFeature(await readFile(new URL(`testing/openfeature/${name}.feature`, import.meta.url), "utf8"));
/** Nothing is cached here: an evaluation takes less than looking one up would. */
const NOT_OURS = "reason-codes-cached";
const SCENARIOS = (
  await Promise.all(
    ["evaluation_v2", "contextMerging", "hooks", "metadata"].map(async (name) =>
      (await read(name)).map((scenario) => ({ ...scenario, feature: name })),
    ),
  )
).flat();

let snapshot: FlagSnapshot;
let feed: FakeFeed;
beforeAll(async () => {
  snapshot = { revision: 1, module: "test", version: "1.0.0", flags: await openFeatureFlags(), changes: [] };
  feed = await startFakeFeed(snapshot);
  OpenFeature.setTransactionContextPropagator(new AsyncLocalStorageTransactionContextPropagator());
});
afterEach(async () => {
  OpenFeature.setContext({});
  OpenFeature.clearHooks();
  await OpenFeature.clearProviders();
});
afterAll(() => feed[Symbol.asyncDispose]());

type Kind = "boolean" | "string" | "integer" | "float" | "object";
type Details = EvaluationDetails<JsonValue>;

class World {
  client: Client = OpenFeature.getClient();
  kind: Kind = "boolean";
  key = "boolean-flag";
  fallback: JsonValue = false;
  context: EvaluationContext = {};
  levels = new Map<string, EvaluationContext>();
  order: string[] = [];
  hooks: Hook[] = [];
  merged: EvaluationContext = {};
  details: Details | undefined;
  seen = new Map<string, Details | undefined>();
  executed: string[] = [];
  closes: (() => Promise<void>)[] = [];

  hook(name = ""): Hook {
    return {
      before: () => {
        this.executed.push(`${name}before`);
      },
      after: (_, details) => {
        this.executed.push(`${name}after`);
        this.seen.set("after", details);
      },
      error: () => {
        this.executed.push(`${name}error`);
      },
      finally: (_, details) => {
        this.executed.push(`${name}finally`);
        this.seen.set("finally", details);
      },
    };
  }

  async evaluate(): Promise<void> {
    const { client, key, fallback, context } = this;
    const options = { hooks: this.hooks };
    const evaluate = (): Promise<Details> => {
      if (this.kind === "boolean") return client.getBooleanDetails(key, fallback as boolean, context, options);
      if (this.kind === "string") return client.getStringDetails(key, fallback as string, context, options);
      if (this.kind === "object") return client.getObjectDetails(key, fallback, context, options);
      return client.getNumberDetails(key, fallback as number, context, options);
    };
    const transaction = this.levels.get("Transaction");
    this.details = await (transaction === undefined
      ? evaluate()
      : new Promise<Details>((resolve, reject) => {
          OpenFeature.setTransactionContext(transaction, () => void evaluate().then(resolve, reject));
        }));
  }
}

function valueOf(kind: string, text: string): JsonValue {
  const plain = text.replaceAll('\\"', '"');
  if (text === "null") return null;
  if (kind === "string") return plain;
  if (kind === "object") return JSON.parse(plain === "" ? "{}" : plain) as JsonValue;
  return kind === "boolean" ? plain === "true" : Number(plain);
}

async function setState(world: World, state: string): Promise<void> {
  const start = async (url: string, key: string, startMs = 5_000): Promise<void> => {
    const provider = createLocalProvider({ url, key, tenant: "acme", startMs, retryMs: 20 });
    world.closes.push(async () => provider.onClose?.());
    if (state === "not ready") OpenFeature.setProvider(provider);
    else await OpenFeature.setProviderAndWait(provider).catch(() => undefined);
  };
  if (state === "stable") await start(feed.url, FEED_KEY);
  if (state === "not ready") await start("http://127.0.0.1:1", FEED_KEY);
  if (state === "error") await start("http://127.0.0.1:1", FEED_KEY, 50);
  if (state === "fatal") await start(feed.url, "wrong");
  if (state === "stale") {
    const own = await startFakeFeed(snapshot);
    await start(own.url, FEED_KEY);
    await own.stop();
    await expect.poll(() => world.client.providerStatus, { timeout: 10_000 }).toBe("STALE");
  }
}

/** Our provider, which also says what context it was asked with. */
function retrievable(world: World): Provider {
  const provider = createLocalProvider({ url: feed.url, key: FEED_KEY, tenant: "acme" });
  world.closes.push(async () => provider.onClose?.());
  const resolve = provider.resolveBooleanEvaluation.bind(provider);
  return {
    ...provider,
    resolveBooleanEvaluation: (key, fallback, context, logger) => {
      world.merged = context;
      return resolve(key, fallback, context, logger);
    },
  };
}

function setLevel(world: World, level: string, context: EvaluationContext): void {
  const merged = { ...world.levels.get(level), ...context };
  world.levels.set(level, merged);
  if (level === "API") OpenFeature.setContext(merged);
  if (level === "Client") world.client.setContext(merged);
  if (level === "Invocation") world.context = merged;
  if (level === "Before Hooks") world.hooks = [{ before: () => merged }];
}

function expectMetadata({ details }: World, rows: readonly (readonly string[])[]): void {
  for (const [key = "", type = "", value = ""] of rows.slice(1)) {
    expect(details?.flagMetadata[key]).toBe(valueOf(type.toLowerCase(), value));
  }
}

function expectHookDetails(world: World, names: string, rows: readonly (readonly string[])[]): void {
  const fields: Readonly<Record<string, keyof Details>> = {
    flag_key: "flagKey",
    value: "value",
    variant: "variant",
    reason: "reason",
    error_code: "errorCode",
  };
  for (const name of names.split(", ")) {
    for (const [type = "", key = "", value = ""] of rows.slice(1)) {
      expect(world.seen.get(name)?.[fields[key] ?? "value"] ?? null).toEqual(valueOf(type, value));
    }
  }
}

type Act = (world: World, step: GherkinStep, ...parts: string[]) => void | Promise<void>;

const STEPS: readonly (readonly [RegExp, Act])[] = [
  [
    /^a stable provider with retrievable context is registered$/,
    async (world) => OpenFeature.setProviderAndWait(retrievable(world)),
  ],
  [/^an? (stable|not ready|error|fatal|stale) provider$/, (world, _, state) => setState(world, state ?? "")],
  [
    /^an? (\w+)-flag with key "(.*)" and a fallback value "(.*)"$/,
    (world, _, kind = "", key = "", fallback = "") => {
      world.kind = kind.toLowerCase() as Kind;
      world.key = key;
      world.fallback = valueOf(world.kind, fallback);
    },
  ],
  [
    /^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$/,
    (world, _, key = "", type = "", value = "") => {
      world.context = { ...world.context, [key]: valueOf(type.toLowerCase(), value) };
    },
  ],
  [
    /^a context containing a key "(.*)" with null value$/,
    (world, _, key = "") => void (world.context = { ...world.context, [key]: null }),
  ],
  [
    /^A context entry with key "(.*)" and value "(.*)" is added to the "(.*)" level$/,
    (world, _, key = "", value = "", level = "") => setLevel(world, level, { [key]: value }),
  ],
  [
    /^A table with levels of increasing precedence$/,
    (world, { table }) => void (world.order = table.map(([level = ""]) => level)),
  ],
  [
    /^Context entries for each level from API level down to the "(.*)" level, with key "(.*)" and value "(.*)"$/,
    (world, _, last = "", key = "") => {
      for (const level of world.order.slice(0, world.order.indexOf(last) + 1)) setLevel(world, level, { [key]: level });
    },
  ],
  [/^a client with added hook$/, (world) => void world.client.addHooks(world.hook())],
  [
    /^evaluation options containing specific hooks$/,
    (world) => void (world.hooks = [world.hook("first "), world.hook("second ")]),
  ],
  [
    /^an evaluation context with modifiable data$/,
    (world) => void (world.context = { list: [1, { a: 2 }], targetingKey: "ann" }),
  ],
  [/^Some flag was evaluated$|^the flag was evaluated with details/, (world) => world.evaluate()],
  [
    /^The merged context contains an entry with key "(.*)" and value "(.*)"$/,
    ({ merged }, _, key = "", value = "") => expect(merged[key]).toBe(value),
  ],
  [
    /^the resolved details value should be "(.*)"$/,
    ({ details, kind }, _, value = "") => expect(details?.value).toEqual(valueOf(kind, value)),
  ],
  [/^the reason should be "(.*)"$/, ({ details }, _, reason) => expect(details?.reason).toBe(reason)],
  [/^the error-code should be "(.*)"$/, ({ details }, _, code) => expect(details?.errorCode).toBe(code)],
  [/^the variant should be "(.*)"$/, ({ details }, _, variant) => expect(details?.variant).toBe(variant)],
  [/^the flag key should be "(.*)"$/, ({ details }, _, key) => expect(details?.flagKey).toBe(key)],
  [/^the provider status should be "(.*)"$/, ({ client }, _, status) => expect(client.providerStatus).toBe(status)],
  [/^the resolved metadata should contain$/, (world, { table }) => expectMetadata(world, table)],
  // What a set says of itself is always there; the flag's own is what is meant.
  [
    /^the resolved metadata is empty$/,
    ({ details }) => expect(Object.keys(details?.flagMetadata ?? {})).toEqual(["flagSetId", "flagSetVersion"]),
  ],
  [/^the "(.*)" hook should have been executed$/, ({ executed }, _, name) => expect(executed).toContain(name)],
  [
    /^the "(.*)" hooks should be called with evaluation details$/,
    (world, { table }, names = "") => expectHookDetails(world, names, table),
  ],
  [/^the specified hooks should execute during evaluation$/, ({ executed }) => expect(executed).toHaveLength(6)],
  [
    /^the hook order should be maintained$/,
    ({ executed }) =>
      expect(executed).toEqual([
        "first before",
        "second before",
        "second after",
        "first after",
        "second finally",
        "first finally",
      ]),
  ],
  [
    /^the original evaluation context should remain unmodified$/,
    ({ context }) => expect(context).toEqual({ list: [1, { a: 2 }], targetingKey: "ann" }),
  ],
  [
    /^the evaluation details should be immutable$/,
    ({ details }) => expect(Object.isFrozen(details?.flagMetadata)).toBe(true),
  ],
  [/^the evaluation should complete without blocking$/, ({ details }) => expect(details).toBeDefined()],
];

test("no scenario is left out but those on caching", () => {
  expect(SCENARIOS.length).toBeGreaterThan(100);
  expect(SCENARIOS.filter(({ tags }) => tags.includes(NOT_OURS))).toHaveLength(2);
});

for (const [number, { feature, name, tags, steps }] of SCENARIOS.entries()) {
  test.skipIf(tags.includes(NOT_OURS))(`${number} ${feature}: ${name}`, async () => {
    const world = new World();
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) {
      const found = STEPS.find(([pattern]) => pattern.test(step.text));
      if (found === undefined) throw new Error(`No step says "${step.text}".`);
      const [, ...parts] = found[0].exec(step.text) ?? [];
      await found[1](world, step, ...parts);
    }
    for (const close of world.closes) await close();
  });
}
