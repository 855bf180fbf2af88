import { randomBytes } from "node:crypto";
import { fleetUpgradeOptionsSchema, type FleetUpgradeOptionsInput, upgradePolicySchema } from "@aibos/contract";
import { parseModuleId, parseTenantId, parseVersion } from "@aibos/domain";
import pino from "pino";
import { seedTenantModule, seedVersion } from "../../../testing/test-catalog.ts";
import { createTestControl, type TestControl } from "../../../testing/test-control.ts";
import { createGroupWindowReadModel } from "../../measurements/group-window-read-model.ts";
import { createMeasurementStore } from "../../measurements/measurement-store.ts";
import { createMeasurementPartitions } from "../../measurements/partitions.ts";
import { MEASUREMENT_KEEP } from "../../measurements/spans.ts";
import { someBatch, type SomeRow } from "../../measurements/testing/some-batch.ts";
import { createModuleReadModel } from "../../modules/module-read-model.ts";
import { createDepartures, type StartSponsored } from "../depart.ts";
import { createFleetApi } from "../fleet-api.ts";
import { createFleetWorker, type FleetWorker } from "../fleet-worker.ts";
import { readFleet } from "../fleet-read-model.ts";
import { createFleetLooker } from "../look-at-fleet.ts";

export const NOTES = parseModuleId("notes");
export const OLD = parseVersion("1.0.0");
export const NEW = parseVersion("1.1.0");

/**
 * Fleets on a real database, at a clock that the test turns. Migrations are entered as they are, in the same transaction,
 * and end when the test says so, or at once.
 */
export interface FleetWorld extends AsyncDisposable {
  readonly control: TestControl;
  readonly api: ReturnType<typeof createFleetApi>;
  now(): number;
  turnTo(time: string | number): void;
  /** Tenants of a data store on the old version. */
  tenants(count: number, prefix: string): Promise<string[]>;
  label(tenant: string, labels: Record<string, string>): Promise<void>;
  policy(tenant: string, policy: object): Promise<void>;
  start(options?: FleetUpgradeOptionsInput): Promise<string>;
  status(id: string): ReturnType<typeof readFleet>;
  /** The status and what else is known of each tenant, by its name. */
  members(id: string): Promise<Record<string, string>>;
  /** A further control-plane process, as far as fleets go. Its ticks are the test's. */
  worker(name: string): FleetWorker;
  /** Whose migrations do not end by themselves. */
  readonly slow: Set<string>;
  /** Migrations that were told to end, as often as they were. */
  readonly cancelled: readonly string[];
  /** Ends a slow one's migration. */
  end(tenant: string): Promise<void>;
  measure(rows: readonly SomeRow[]): Promise<void>;
  /** Removes everything, for the next test. */
  clear(): Promise<void>;
}

export async function createFleetWorld(): Promise<FleetWorld> {
  const control = await createTestControl();
  const { database } = control;
  await seedVersion(database, NOTES, OLD);
  await seedVersion(database, NOTES, NEW, { upgrades: { from: OLD } });
  let clock = Date.now();
  const now = (): number => clock;
  const modules = createModuleReadModel(database);
  const partitions = createMeasurementPartitions(database);
  const measurements = createMeasurementStore({ database, partitions, keep: MEASUREMENT_KEEP, now });
  const api = createFleetApi({ database, modules, now });
  const slow = new Set<string>();
  const cancelled: string[] = [];

  const finish = async (id: string): Promise<void> => {
    const at = new Date(clock);
    await database.db
      .updateTable("migration_records")
      .set({ status: "succeeded", finished_at: at })
      .where("id", "=", id)
      .execute();
  };

  const startOperation: StartSponsored = async (tenant, module, request, { fleetUpgradeId, also }) => {
    const id = `mig_${randomBytes(6).toString("hex")}`;
    await database.transaction(async (tx) => {
      await tx.db
        .insertInto("migration_records")
        .values({
          id,
          tenant,
          module,
          kind: request.kind,
          from_version: OLD,
          to_version: NEW,
          status: "running",
          request: JSON.stringify(request),
          fleet_upgrade_id: fleetUpgradeId,
        })
        .execute();
      await also(tx, id);
    });
    if (!slow.has(tenant)) await finish(id);
  };

  return {
    control,
    api,
    now,
    slow,
    cancelled,
    turnTo: (time) => void (clock = typeof time === "number" ? time : Date.parse(time)),

    async tenants(count, prefix) {
      const names = Array.from({ length: count }, (_, n) => `${prefix}${String(n + 1).padStart(2, "0")}`);
      for (const tenant of names) {
        await seedTenantModule(database, { tenant, module: NOTES, weights: { [OLD]: 10_000 } });
      }
      return names;
    },

    async label(tenant, labels) {
      await database.db
        .updateTable("tenants")
        .set({ labels: JSON.stringify(labels) })
        .where("id", "=", parseTenantId(tenant))
        .execute();
    },

    async policy(tenant, policy) {
      await api.setUpgradePolicy({
        params: { tenant: parseTenantId(tenant), module: NOTES },
        query: {},
        body: upgradePolicySchema.parse(policy),
      });
    },

    async start(options = {}) {
      const body = { module: NOTES, version: NEW, options: fleetUpgradeOptionsSchema.parse(options) };
      return (await api.startFleetUpgrade({ params: {}, query: {}, body })).id;
    },

    status: (id) => readFleet(database.db, id),

    async members(id) {
      const page = await api.listFleetMembers({
        params: { fleetUpgradeId: id },
        query: { limit: 1_000 },
        body: undefined,
      });
      return Object.fromEntries(
        page.items.map(({ tenant, status, notBefore, code }) => [
          tenant,
          [status, code, status === "deferred" ? notBefore : null].filter((part) => part !== null).join(" "),
        ]),
      );
    },

    worker: (name) =>
      createFleetWorker({
        database,
        looker: createFleetLooker({ database, windows: createGroupWindowReadModel(database), now }),
        departures: createDepartures({ database, startOperation, now }),
        cancelOperation: async (migrationId) => cancelled.push(migrationId),
        executorId: name,
        log: pino({ level: "silent" }),
        now,
      }),

    async end(tenant) {
      const row = await database.db
        .selectFrom("migration_records")
        .select("id")
        .where("tenant", "=", parseTenantId(tenant))
        .where("finished_at", "is", null)
        .executeTakeFirstOrThrow();
      await finish(row.id);
    },

    measure: async (rows) => void (await measurements.apply(someBatch(rows))),

    async clear() {
      clock = Date.now();
      slow.clear();
      cancelled.length = 0;
      await database.pool.query(
        "truncate tenants, fleet_upgrades, tenant_modules, notices, quarantined_versions, measurements_10s cascade",
      );
    },

    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]();
    },
  };
}
