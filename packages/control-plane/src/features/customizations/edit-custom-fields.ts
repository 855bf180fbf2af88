import type { Kysely } from "kysely";
import { CUSTOM_FIELDS, type CustomFieldType, type FieldsByTable, type Version } from "@aibos/domain";
import {
  CustomFieldError,
  declareCustomField,
  dropCustomField,
  listCustomFields,
  LockNotGrantedError,
  quoteIdentifier,
} from "@aibos/tenant-data";
import type { ControlDatabase, ControlTransaction } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { isLockTimeout } from "../../db/lost-connection.ts";
import { readTenantModule, type TenantModuleState } from "../instances/tenant-module-read-model.ts";
import { lockTenantModule } from "../migrations/fence.ts";
import { requireIdle, whileIdle } from "../migrations/running-operation.ts";
import type { Customizable } from "./customizable.ts";
import type { CustomizableReadModel } from "./customizable-read-model.ts";
import { addEntry, presentEntries, type StoredEntry, type TenantPlace } from "./customization-entries.ts";
import { readFields, writeFields } from "./fields-text.ts";

type Db = Kysely<ControlTables>;

/** Columns that a tenant may have on one table. */
const MOST_FIELDS = 100;
/** So long a change of a table waits for those who use it, and others behind it, before it is given up. */
const LOCK_MS = 2_000;

export interface FieldsEdit extends TenantPlace {
  /** The live version whose names of tables are meant. */
  readonly version: Version;
  readonly author: string;
  readonly origin?: StoredEntry["origin"];
  /** Columns whose values may be lost. */
  readonly acceptDataLoss?: boolean;
  /** What the tenant shall have, of what it has. */
  readonly change: (present: FieldsByTable) => FieldsByTable;
}

/**
 * Changes which columns of its own a tenant has, in the data and in the history of every live version, in one transaction.
 *
 * @returns the entry that was added for the version; undefined when nothing changed
 * @throws CustomFieldError, OperationInProgressError, LockNotGrantedError
 */
export async function editCustomFields(
  { database, customizables }: { database: ControlDatabase; customizables: CustomizableReadModel },
  edit: FieldsEdit,
): Promise<number | undefined> {
  const { version, module } = edit;
  const target = await customizables.get(module, version, CUSTOM_FIELDS);
  const started = performance.now();
  try {
    return await whileIdle(database, edit, async (tx) => {
      await lockTenantModule(tx, edit);
      await requireIdle(tx.db, edit);
      const state = await readTenantModule(tx.db, edit.tenant, module);
      const present = await presentFields(tx.db, edit, version);
      const wanted = edit.change(present);
      checkWanted(target, present, wanted);
      const dataVersion = state.live.find((one) => one.version === version)?.dataVersion ?? version;
      await changeTables(tx, state, { dataVersion, present, wanted, acceptDataLoss: edit.acceptDataLoss === true });
      return enterFields(tx, state, edit, target);
    });
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new LockNotGrantedError("Changing the tenant's own columns", performance.now() - started, { cause: error });
  }
}

/** A tenant's own columns, as a version calls them. */
export async function presentFields(db: Db, place: TenantPlace, version: Version): Promise<FieldsByTable> {
  const entry = (await presentEntries(db, place, version)).find(({ name }) => name === CUSTOM_FIELDS);
  return entry?.content == null ? {} : readFields(entry.content);
}

/** What is there already may stay, whatever the release says of it. */
function checkWanted({ fields }: Customizable, present: FieldsByTable, wanted: FieldsByTable): void {
  const tables = fields?.tables ?? {};
  for (const [table, own] of Object.entries(wanted)) {
    const allowed = Object.hasOwn(tables, table) ? tables[table] : undefined;
    const names = Object.entries(own);
    for (const [name, { type }] of names) {
      const there = ownOf(present, table)[name];
      if (there?.type === type) continue;
      if (there !== undefined) throw new CustomFieldError(table, name, `it is there, as ${there.type}; drop it first.`);
      if (allowed === undefined) {
        const others = Object.keys(tables).join(", ");
        const where = others === "" ? "it allows them on no table" : `it allows them on ${others}`;
        throw new CustomFieldError(table, name, `the release lets nobody have columns of their own there; ${where}.`);
      }
      if (!allowed.includes(type as CustomFieldType)) {
        throw new CustomFieldError(
          table,
          name,
          `there may be columns of type ${allowed.join(", ")} there, not ${type}.`,
        );
      }
      if (names.length > MOST_FIELDS) throw new CustomFieldError(table, name, `there are ${MOST_FIELDS} already.`);
    }
  }
}

async function changeTables(
  { client }: ControlTransaction,
  { schema, role }: TenantModuleState,
  given: { dataVersion: Version; present: FieldsByTable; wanted: FieldsByTable; acceptDataLoss: boolean },
): Promise<void> {
  const { dataVersion, present, wanted, acceptDataLoss } = given;
  const at = { version: dataVersion };
  // What is made belongs to the tenant.
  await client.query(`set local role ${quoteIdentifier(role)}; set local lock_timeout = ${LOCK_MS}`);
  for (const [table, own] of Object.entries(present)) {
    for (const name of Object.keys(own)) {
      if (Object.hasOwn(ownOf(wanted, table), name)) continue;
      await dropCustomField(client, schema, { ...at, table, name }, { acceptDataLoss });
    }
  }
  for (const [table, own] of Object.entries(wanted)) {
    for (const [name, { type }] of Object.entries(own)) {
      if (Object.hasOwn(ownOf(present, table), name)) continue;
      await declareCustomField(client, schema, { ...at, table, name, type: type as CustomFieldType });
    }
  }
  await client.query("reset role");
}

/** Each live version has them under its own names: the data's truth, not what was asked for. */
async function enterFields(
  { db, client }: ControlTransaction,
  { schema, live }: TenantModuleState,
  { version: edited, author, origin = "edit", ...place }: FieldsEdit,
  { content: base }: Customizable,
): Promise<number | undefined> {
  let entered: number | undefined;
  for (const { version, dataVersion } of live) {
    const content = writeFields(byTable(await listCustomFields(client, schema, dataVersion)));
    if (content === writeFields(await presentFields(db, place, version))) continue;
    const { tenant, module } = place;
    const entry = { tenant, module, version, name: CUSTOM_FIELDS, base, content, origin, author };
    const id = await addEntry(db, entry);
    if (version === edited) entered = id;
  }
  return entered;
}

function byTable(fields: readonly { table: string; name: string; type: string }[]): FieldsByTable {
  const tables = new Map<string, Map<string, { type: string }>>();
  for (const { table, name, type } of fields) {
    const own = tables.get(table) ?? new Map<string, { type: string }>();
    tables.set(table, own.set(name, { type }));
  }
  return Object.fromEntries([...tables].map(([table, own]) => [table, Object.fromEntries(own)]));
}

export function ownOf(fields: FieldsByTable, table: string): Readonly<Record<string, { readonly type: string }>> {
  return Object.hasOwn(fields, table) ? (fields[table] ?? {}) : {};
}
