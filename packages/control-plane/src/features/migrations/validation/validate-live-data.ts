import pg from "pg";
import type { Problem } from "@aibos/contract";
import type { ModuleId, TenantId, Version } from "@aibos/domain";
import {
  allowTenantLogin,
  connectAsTenant,
  denyTenantLogin,
  openTenantLiveSchema,
  type OperationMigration,
  type Queryable,
  type ReleaseFinding,
  releaseFiles,
  type TenantPlace,
  type TenantSession,
} from "@aibos/tenant-data";
import type { ControlDatabase } from "../../../db/control-database.ts";
import { isLostConnection } from "../../../db/lost-connection.ts";
import type { ModuleReadModel } from "../../modules/module-read-model.ts";
import { lockTenantModule } from "../fence.ts";
import { requireIdle, whileIdle } from "../running-operation.ts";

export interface LiveDataPlace extends TenantPlace {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

interface Parts {
  readonly database: ControlDatabase;
  readonly modules: ModuleReadModel;
  readonly data: { readonly pool: Queryable; readonly url: string };
}

/** What every way along live releases brings, and nobody needs to be told of a tenant. */
const UNTOLD: ReadonlySet<ReleaseFinding["code"]> = new Set(["writers-named"]);

/**
 * Tries a way along live releases on a copy of the structure of a tenant's data, and their conversions and constraints
 * on its rows, read only. Nothing that anybody sees changes.
 *
 * @param path from the version of the data that is there to the target's
 * @throws OperationInProgressError when one begins meanwhile
 */
export async function validateLiveData(
  { database, modules, data }: Parts,
  place: LiveDataPlace,
  path: readonly Version[],
): Promise<Problem[]> {
  const [from] = path;
  const to = path.at(-1);
  if (from === undefined || to === undefined) return [];
  const known = (await modules.readMigrations(place.module, from)).length;
  const added = (await modules.readMigrations(place.module, to)).slice(known);
  const operations = added.filter((migration): migration is OperationMigration => migration.kind === "operations");
  if (operations.length === 0) return [];
  const { findings } = await oneAtATime(data.url, place, () =>
    asIdleTenant({ database, data }, place, (session) =>
      openTenantLiveSchema(session).validate(from, { version: to, files: releaseFiles(operations) }),
    ),
  );
  return findings
    .filter(({ code }) => !UNTOLD.has(code))
    .map(({ code, severity, message, where }) => ({
      code: `AIBOS_DATA_${code.toUpperCase().replaceAll("-", "_")}`,
      severity: severity === "error" ? "error" : "warning",
      message: where === undefined || message.includes(where) ? message : `${where}: ${message}`,
    }));
}

/** So long who looks waits for others who look at the same data, in milliseconds: each of them takes half as long at most. */
const TURN_MS = 60_000;

/**
 * A tenant's role has one session at a time: whoever comes later waits for a turn, in a session of its own, which takes
 * no connection from those who have theirs.
 */
async function oneAtATime<T>(url: string, { tenant, module }: LiveDataPlace, work: () => Promise<T>): Promise<T> {
  const turn = new pg.Client({ connectionString: url, application_name: "aibos/validate" });
  turn.on("error", () => undefined);
  await turn.connect();
  try {
    await turn.query(`set lock_timeout = ${TURN_MS}`);
    await turn.query("select pg_advisory_lock(hashtextextended($1, 0))", [`aibos validate ${tenant}/${module}`]);
    return await work();
  } finally {
    await turn.end();
  }
}

/** A session of the tenant's own for looking, which an operation that begins ends. */
async function asIdleTenant<T>(
  { database, data: { pool, url } }: Omit<Parts, "modules">,
  place: LiveDataPlace,
  work: (session: TenantSession) => Promise<T>,
): Promise<T> {
  const password = await whileIdle(database, place, async (tx) => {
    await lockTenantModule(tx, place);
    await requireIdle(tx.db, place);
    return allowTenantLogin(tx.client, place.role);
  });
  try {
    await using session = await connectAsTenant({ platform: pool, url, place, password });
    return await work(session);
  } catch (error) {
    if (isLostConnection(error)) await requireIdle(database.db, place);
    throw error;
  } finally {
    await database.transaction(async (tx) => {
      const row = await lockTenantModule(tx, place);
      // An operation that has begun has given the login a password of its own.
      if (row?.migrationId === null) await denyTenantLogin(tx.client, place.role);
    });
  }
}
