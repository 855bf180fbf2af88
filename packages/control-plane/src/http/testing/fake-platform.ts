import pino from "pino";
import { type Migration, type PerformanceReport, type RouteHandlers, ROUTES, type Tenant } from "@aibos/contract";
import type { HttpAppOptions } from "../app.ts";

export const TOKEN = "a-token-of-the-tests";
export const BEARER = { authorization: `Bearer ${TOKEN}` };

/** Handlers that remember what they were called with and answer what a test says; others answer a failure. */
export function fakeHandlers(answers: Partial<RouteHandlers> = {}): RouteHandlers {
  const unanswered = Object.keys(ROUTES).map((name) => [
    name,
    async () => {
      throw new Error(`The test did not say what ${name} answers.`);
    },
  ]);
  return { ...(Object.fromEntries(unanswered) as unknown as RouteHandlers), ...answers };
}

/** Everything that the app needs, doing nothing unless told. */
export function fakePlatform(parts: Partial<HttpAppOptions> = {}): HttpAppOptions {
  return {
    handlers: fakeHandlers(),
    publish: async () => {
      throw new Error("The test did not say what publishing answers.");
    },
    watchMigration: () => once(someMigration()),
    watchMigrationLog: () => {
      throw new Error("The test did not say what an operation says.");
    },
    watchFleetUpgrade: () => {
      throw new Error("The test did not say how a fleet upgrade goes.");
    },
    feed: { subscribe: () => once({ type: "heartbeat" as const, revision: 1 }) },
    recordReport: async () => undefined,
    addMeasurements: async () => undefined,
    monitor: () => once(someReport()),
    token: TOKEN,
    isReady: async () => true,
    metrics: async () => [],
    log: pino({ level: "silent" }),
    ...parts,
  };
}

export function someTenant(id = "acme"): Tenant {
  return { id, title: id, labels: {}, state: "active", dataStore: "default", createdAt: "2027-01-31T09:30:00.000Z" };
}

export function someMigration(changes: Partial<Migration> = {}): Migration {
  return {
    id: "mig_1",
    tenant: "acme",
    module: "accounting",
    kind: "migrate",
    fromVersion: "1.0.0",
    toVersion: "1.5.0",
    path: ["1.0.0", "1.5.0"],
    status: "running",
    wanted: null,
    follows: null,
    step: null,
    steps: [],
    failure: null,
    result: {},
    scheduledTime: null,
    createdAt: "2027-01-31T09:30:00.000Z",
    finishedAt: null,
    ...changes,
  };
}

export function someReport(): PerformanceReport {
  return { at: "2027-01-31T09:30:00.000Z", tenant: "acme", module: "accounting", versions: [] };
}

async function* once<T>(value: T): AsyncGenerator<T, void, void> {
  yield value;
}

/** Repeats a value at each call of `next` until the signal says stop. */
export async function* untilAborted<T>(value: T, signal: AbortSignal | undefined): AsyncGenerator<T, void, void> {
  yield value;
  await new Promise<void>((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener("abort", () => resolve());
  });
}
