import { OperationInProgressError, type Problem } from "@aibos/contract";
import type { ModuleId, TenantId, Version } from "@aibos/domain";
import {
  allowTenantLogin,
  connectAsTenant,
  type CustomFieldChoices,
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
import { takeTurn } from "./take-turn.ts";
import type { Turns } from "./turns.ts";

export interface LiveDataPlace extends TenantPlace {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

interface Parts {
  readonly database: ControlDatabase;
  readonly modules: ModuleReadModel;
  readonly data: { readonly pool: Queryable; readonly url: string };
  readonly turns: Turns;
}

/** What every way along live releases brings, and nobody needs to be told of a tenant. */
const UNTOLD: ReadonlySet<ReleaseFinding["code"]> = new Set(["writers-named"]);

/**
 * Tries a way along live releases on a copy of the structure of a tenant's data, and their conversions and constraints
 * on its rows, read only. Nothing that anybody sees changes.
 *
 * @param path from the version of the data that is there to the target's
 * @param customFields what is chosen for the tenant's own columns, by `table.column`
 * @throws OperationInProgressError when one begins meanwhile
 * @throws ValidationBusyError when others look at the same data for too long
 */
export async function validateLiveData(
  { database, modules, data, turns }: Parts,
  place: LiveDataPlace,
  path: readonly Version[],
  customFields: CustomFieldChoices = new Map(),
): Promise<Problem[]> {
  const [from] = path;
  const to = path.at(-1);
  if (from === undefined || to === undefined) return [];
  const known = (await modules.readMigrations(place.module, from)).length;
  const added = (await modules.readMigrations(place.module, to)).slice(known);
  const operations = added.filter((migration): migration is OperationMigration => migration.kind === "operations");
  if (operations.length === 0) return [];
  const { findings } = await takeTurn({ url: data.url, turns }, place, () =>
    asIdleTenant({ database, data }, place, (session) =>
      openTenantLiveSchema(session).validate(from, { version: to, files: releaseFiles(operations), customFields }),
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

/** A session of the tenant's own for looking, which an operation that begins ends. */
async function asIdleTenant<T>(
  { database, data: { pool, url } }: Pick<Parts, "database" | "data">,
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
    await whileIdle(database, place, async (tx) => {
      const row = await lockTenantModule(tx, place);
      if (row?.migrationId === null) await denyTenantLogin(tx.client, place.role);
    }).catch((error: unknown) => {
      // An operation that has begun has given the login a password of its own.
      if (!(error instanceof OperationInProgressError)) throw error;
    });
  }
}
