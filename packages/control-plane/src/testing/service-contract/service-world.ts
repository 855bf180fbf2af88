import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { MeasurementBatch, MultiVersionService } from "@aibos/contract";
import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { fingerprintSchema, viewSchemaName } from "@aibos/tenant-data";
import { openControlDatabase } from "../../db/control-database.ts";
import { createMeasurementStore } from "../../features/measurements/measurement-store.ts";
import { createMeasurementPartitions } from "../../features/measurements/partitions.ts";
import { MEASUREMENT_KEEP } from "../../features/measurements/spans.ts";
import { NOTES_VERSIONS, notesArchive } from "../notes-module.ts";

/** A running implementation of the service. */
export interface ServiceUnderTest {
  readonly service: MultiVersionService;
  stop(): Promise<void>;
}

export type StartService = (options: { databaseUrl: string; dataFolder: string }) => Promise<ServiceUnderTest>;

/** A service with the notes module published, and what tests do besides: make tenants and look at their data. */
export class ServiceWorld {
  readonly #start: StartService;
  #database: TestDatabase | undefined;
  #folder = "";
  #running: ServiceUnderTest | undefined;
  #sql: pg.Client | undefined;
  #tenants = 0;

  constructor(start: StartService) {
    this.#start = start;
  }

  get service(): MultiVersionService {
    return started(this.#running).service;
  }

  /** A superuser's connection to the database. */
  get sql(): pg.Client {
    return started(this.#sql);
  }

  async begin(): Promise<void> {
    this.#database = await createTestDatabase();
    this.#folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-service-")));
    this.#sql = new pg.Client({ connectionString: this.#database.superuserUrl });
    await this.#sql.connect();
    this.#running = await this.#start({ databaseUrl: this.#database.url, dataFolder: this.#folder });
    for (const version of NOTES_VERSIONS) await this.service.publish(await notesArchive(version));
  }

  async end(): Promise<void> {
    await this.#running?.stop();
    await this.#sql?.end();
    await this.#database?.drop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A tenant of its own for a test, with the notes at a version. */
  async tenantAt(version: string): Promise<string> {
    this.#tenants += 1;
    const tenant = `t${this.#tenants}`;
    await this.service.createTenant({ id: tenant });
    await this.service.install(tenant, "notes", version);
    return tenant;
  }

  /** Adds what a gateway would have measured. */
  async measure(batch: MeasurementBatch): Promise<void> {
    const database = openControlDatabase(started(this.#database).url, "test", 2);
    try {
      const partitions = createMeasurementPartitions(database);
      await createMeasurementStore({ database, partitions, keep: MEASUREMENT_KEEP, now: Date.now }).apply(batch);
    } finally {
      await database.close();
    }
  }

  /** Runs a statement in a tenant's schema. */
  async inTenant(tenant: string, statement: string): Promise<unknown[]> {
    const { schema } = await this.service.getTenantModule(tenant, "notes");
    await this.sql.query("begin");
    await this.sql.query(`set local search_path = "${schema}"`);
    const { rows } = await this.sql.query<Record<string, unknown>>(statement);
    await this.sql.query("commit");
    return rows;
  }

  /** The same as a user of a version, while several versions of the data are live. */
  async asVersion(tenant: string, version: string, statement: string): Promise<unknown[]> {
    const { schema } = await this.service.getTenantModule(tenant, "notes");
    await this.sql.query("begin");
    try {
      await this.sql.query(`set local search_path = "${viewSchemaName(schema, version)}", "${schema}"`);
      await this.sql.query("select set_config('aibos.version', $1, true)", [version]);
      return (await this.sql.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await this.sql.query("commit");
    }
  }

  /** Everything that must be as before when an operation was undone. */
  async stateOf(tenant: string): Promise<unknown> {
    const { operation, instances, ...facts } = await this.service.getTenantModule(tenant, "notes");
    const live = instances.map(({ version, status }) => [version, status]);
    const roles = await this.sql.query(
      `select m.rolname from aibos.tenant_modules tm join pg_roles r on r.rolname = tm.role_name
       join pg_auth_members a on a.roleid = r.oid join pg_roles m on m.oid = a.member
       where tm.tenant = $1 and m.rolcanlogin order by 1`,
      [tenant],
    );
    const holds = await this.sql.query("select from aibos.route_holds where tenant = $1", [tenant]);
    const { structure, data } = await fingerprintSchema(this.sql, facts.schema);
    return { ...facts, operation, live, roles: roles.rows, holds: holds.rowCount, structure, data };
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("The service is not started: call begin() first.");
  return part;
}
