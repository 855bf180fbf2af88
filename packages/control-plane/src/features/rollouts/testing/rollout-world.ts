import pino from "pino";
import type { Rollout, RolloutCommandName, RolloutPolicyInput } from "@aibos/contract";
import { parseModuleId, parseTenantId, parseVersion, type Version } from "@aibos/domain";
import { seedTenantModule } from "../../../testing/test-catalog.ts";
import { createTestControl, type TestControl } from "../../../testing/test-control.ts";
import { loadInstallation } from "../../installation/installation.ts";
import { createMeasurementStore } from "../../measurements/measurement-store.ts";
import { createMeasurementPartitions } from "../../measurements/partitions.ts";
import { MEASUREMENT_KEEP } from "../../measurements/spans.ts";
import { someBatch, type SomeRow } from "../../measurements/testing/some-batch.ts";
import { createWindowReadModel } from "../../measurements/window-read-model.ts";
import { createModuleReadModel } from "../../modules/module-read-model.ts";
import { createCustomMetrics } from "../custom-metrics.ts";
import { createFlagRolloutApi } from "../flag-rollout-api.ts";
import { createGates } from "../gates.ts";
import { createRolloutLooker, type RolloutLooker } from "../look-at-rollout.ts";
import { createRolloutApi } from "../rollout-api.ts";
import { readRollout } from "../rollout-read-model.ts";
import { createSyntheticRequests } from "../synthetic-requests.ts";

export const OLD = parseVersion("1.0.0");
export const NEW = parseVersion("1.1.0");
export const NOTES = parseModuleId("notes");

/** How a version behaves in a window: its latencies in milliseconds, of which so many requests failed. */
export interface Behaviour {
  readonly latencies: readonly number[];
  readonly errors?: number;
}

interface FlagBehaviour {
  readonly out?: Behaviour;
  readonly in?: Behaviour;
}

type StartFlagBody = Parameters<ReturnType<typeof createFlagRolloutApi>["startFlagRollout"]>[0]["body"];

/** Rollouts on a real database, with real measurements, at a clock that the test turns. */
export interface RolloutWorld extends AsyncDisposable {
  readonly control: TestControl;
  readonly looker: RolloutLooker;
  readonly api: ReturnType<typeof createRolloutApi>["handlers"];
  now(): number;
  /** A tenant with both versions live and all users on the old one. */
  tenant(weights?: Record<string, number>): Promise<string>;
  /** @param old where users go back to; null: it is not said */
  start(tenants: readonly string[], policy?: RolloutPolicyInput, old?: Version | null): Promise<Rollout>;
  /** Lets windows of ten seconds pass in which versions behave so, and looks at the rollout after each. */
  pass(
    id: string,
    windows: number,
    behave?: (tenant: string) => { old: Behaviour; fresh: Behaviour },
  ): Promise<Rollout>;
  /** Lets so many seconds of a window pass, in which versions behave so, and looks at the rollout. */
  passPart(
    id: string,
    seconds: number,
    behave: (tenant: string) => { old: Behaviour; fresh: Behaviour },
  ): Promise<Rollout>;
  startFlag(flag: string, body: StartFlagBody): Promise<Rollout>;
  command(id: string, command: RolloutCommandName): Promise<Rollout>;
  /** The same for a rollout of a flag: how requests that met it went, for users who are out and who are in. */
  passFlag(id: string, windows: number, behave: FlagBehaviour): Promise<Rollout>;
  passFlagPart(id: string, seconds: number, behave: FlagBehaviour): Promise<Rollout>;
  /** Shares in 1/10,000 by version, as gateways are told. */
  shares(tenant: string): Promise<Record<string, number>>;
}

/** Latencies around 100 ms, evenly over their distribution. */
export function evenLatencies(count: number, factor = 1): number[] {
  return Array.from({ length: count }, (_, n) => 60 + factor * 80 * ((n + 0.5) / count));
}

export const SAME = { latencies: evenLatencies(40) };

export async function createRolloutWorld(): Promise<RolloutWorld> {
  const control = await createTestControl();
  const { database } = control;
  let clock = Math.ceil(Date.now() / 10_000) * 10_000;
  const now = (): number => clock;
  const installation = await loadInstallation(database);
  const modules = createModuleReadModel(database);
  const partitions = createMeasurementPartitions(database);
  const measurements = createMeasurementStore({ database, partitions, keep: MEASUREMENT_KEEP, now });
  const looker = createRolloutLooker({
    database,
    windows: createWindowReadModel(database),
    metrics: createCustomMetrics(),
    gates: createGates({ now }),
    synthetic: createSyntheticRequests({ database, installation, now }),
    now,
  });
  const { handlers: api } = createRolloutApi({ database, modules, looker, now });
  const flagApi = createFlagRolloutApi({ database, looker, now });
  let tenants = 0;

  async function measureFlag(id: string, behave: FlagBehaviour): Promise<void> {
    const { flag } = await readRollout(database.db, id);
    const at = Math.floor(clock / 10_000) * 10_000;
    const rows = (["out", "in"] as const).flatMap((side): SomeRow[] => {
      const behaviour = behave[side];
      if (behaviour === undefined) return [];
      // Two tenants: they are compared together.
      return ["acme", "globex"].map((tenant) => ({
        ...rowOf(tenant, OLD, behaviour, at),
        met: { flag: flag?.key ?? "", isIn: side === "in" },
      }));
    });
    if (rows.length > 0) await measurements.apply(someBatch(rows));
  }

  async function measure(id: string, behave: (tenant: string) => { old: Behaviour; fresh: Behaviour }): Promise<void> {
    const rollout = await readRollout(database.db, id);
    const at = Math.floor(clock / 10_000) * 10_000;
    const rows = rollout.tenants
      .filter(({ status }) => status === "running")
      .flatMap(({ tenant }): SomeRow[] => {
        const { old, fresh } = behave(tenant);
        return [rowOf(tenant, OLD, old, at), ...(rollout.weight === 0 ? [] : [rowOf(tenant, NEW, fresh, at)])];
      })
      .filter(({ latencies }) => (latencies ?? []).length > 0);
    if (rows.length > 0) await measurements.apply(someBatch(rows));
  }

  return {
    control,
    looker,
    api,
    now,

    async tenant(weights = { [OLD]: 10_000, [NEW]: 0 }) {
      tenants += 1;
      const tenant = `t${tenants}`;
      await seedTenantModule(database, { tenant, module: NOTES, weights });
      return tenant;
    },

    async start(names, policy = {}, old = OLD) {
      // Its first step's first window begins at once.
      clock = Math.ceil(clock / 10_000) * 10_000;
      return api.startRollout({
        params: {},
        query: {},
        body: {
          module: NOTES,
          tenants: names.map(parseTenantId),
          oldVersion: old ?? undefined,
          newVersion: NEW,
          policy: policy as object,
          insist: false,
        },
      });
    },

    async passPart(id, seconds, behave) {
      await measure(id, behave);
      clock += seconds * 1_000;
      await looker.look(id);
      return readRollout(database.db, id);
    },

    async pass(id, windows, behave = () => ({ old: SAME, fresh: SAME })) {
      for (let n = 0; n < windows; n += 1) {
        await measure(id, behave);
        // A window is read some seconds after its end.
        clock += 13_000;
        await looker.look(id);
        clock += 7_000;
      }
      return readRollout(database.db, id);
    },

    startFlag(flag, body) {
      clock = Math.ceil(clock / 10_000) * 10_000;
      return flagApi.startFlagRollout({ params: { module: NOTES, flag }, query: {}, body });
    },

    command: (rolloutId, command) => api.commandRollout({ params: { rolloutId }, query: {}, body: { command } }),

    async passFlag(id, windows, behave) {
      for (let n = 0; n < windows; n += 1) {
        await measureFlag(id, behave);
        clock += 13_000;
        await looker.look(id);
        clock += 7_000;
      }
      return readRollout(database.db, id);
    },

    async passFlagPart(id, seconds, behave) {
      await measureFlag(id, behave);
      clock += seconds * 1_000;
      await looker.look(id);
      return readRollout(database.db, id);
    },

    async shares(tenant) {
      const rows = await database.db
        .selectFrom("version_routing")
        .select(["version", "weight"])
        .where("tenant", "=", parseTenantId(tenant))
        .execute();
      return Object.fromEntries(rows.map(({ version, weight }) => [version, weight]));
    },

    [Symbol.asyncDispose]: () => control[Symbol.asyncDispose](),
  };
}

export const SILENT = pino({ level: "silent" });

function rowOf(tenant: string, version: string, { latencies, errors = 0 }: Behaviour, at: number): SomeRow {
  return { at, tenant, module: NOTES, version, latencies, errors: errors === 0 ? {} : { server: errors } };
}
