import type { ClientBase } from "pg";
import { CUSTOM_FIELD_TYPES, type CustomFieldType, isFieldName } from "@aibos/domain";
import { quoteIdentifier } from "../quote-identifier.ts";
import { readLiveVersions, writeLiveVersion } from "../live/live-store.ts";
import type { LiveVersion } from "../live/live-version.ts";
import { type ColumnModel, readModel, tableOf, type VersionModel } from "../live/version-model.ts";
import { createViews } from "../live/version-views.ts";
import { CustomFieldError } from "./custom-field-error.ts";

/** The table, in the schema itself, that says which columns are a tenant's own. A copy carries it along. */
export const CUSTOM_FIELDS_TABLE = "aibos_custom_fields";

/** A column of a tenant's own on a module's table. It holds nulls, so that the module's writes need not know it. */
export interface CustomField {
  /** As the newest live version calls the table. */
  readonly table: string;
  readonly name: string;
  readonly type: CustomFieldType;
}

/** Columns that are a tenant's own, by table in the schema. */
export async function readCustomFields(client: ClientBase, schema: string): Promise<Map<string, Set<string>>> {
  const fields = new Map<string, Set<string>>();
  for (const { relation, column } of await readRows(client, schema)) {
    fields.set(relation, (fields.get(relation) ?? new Set()).add(column));
  }
  return fields;
}

/**
 * Gives a table a column of the tenant's own, in the caller's transaction. Every live version sees it under this name.
 * Declared again with the same type, nothing happens.
 *
 * @param field.version the live version that calls the table so; the newest one unless told
 * @throws CustomFieldError
 */
export async function declareCustomField(
  client: ClientBase,
  schema: string,
  field: CustomField & { readonly version?: string },
): Promise<void> {
  const { table, name, type } = field;
  if (!isFieldName(name)) {
    throw new CustomFieldError(
      table,
      name.slice(0, 80),
      'a name has 1 to 60 lower-case letters, digits and underscores, begins with a letter, and not with "aibos_".',
    );
  }
  if (!CUSTOM_FIELD_TYPES.includes(type)) {
    throw new CustomFieldError(table, name, `there is no type "${type}"; there are ${CUSTOM_FIELD_TYPES.join(", ")}.`);
  }
  const versions = await readLiveVersions(client, schema);
  const model = modelFor(versions, field.version) ?? (await readModel(client, schema));
  const relation = tableOf(model, table)?.relation;
  if (relation === undefined) throw new CustomFieldError(table, name, "there is no such table.");
  const known = (await readRows(client, schema)).find((row) => row.relation === relation && row.column === name);
  if (known?.type === type) return;
  if (known !== undefined) throw new CustomFieldError(table, name, `it is there, as ${known.type}.`);
  const taken = [{ model }, ...versions].some((version) =>
    version.model.tables.some(
      (one) =>
        one.relation === relation && one.columns.some((column) => column.name === name || column.column === name),
    ),
  );
  if (taken) throw new CustomFieldError(table, name, "the module has a column of this name; choose another one.");
  const base = quoteIdentifier(schema);
  await client.query(
    `create table if not exists ${base}.${CUSTOM_FIELDS_TABLE}
       (relation text not null, column_name text not null, type text not null, primary key (relation, column_name))`,
  );
  await client.query(`alter table ${base}.${quoteIdentifier(relation)} add column ${quoteIdentifier(name)} ${type}`);
  await client.query(`insert into ${base}.${CUSTOM_FIELDS_TABLE} (relation, column_name, type) values ($1, $2, $3)`, [
    relation,
    name,
    type,
  ]);
  await eachModel(client, schema, versions, relation, (columns) => [...columns, { name, column: name }]);
}

/**
 * Takes a column of the tenant's own away, with its values, in the caller's transaction. One that is gone stays so.
 *
 * @throws CustomFieldError when it holds values and nobody accepted that they are lost
 */
export async function dropCustomField(
  client: ClientBase,
  schema: string,
  { table, name, version }: Pick<CustomField, "table" | "name"> & { readonly version?: string },
  { acceptDataLoss = true }: { acceptDataLoss?: boolean } = {},
): Promise<void> {
  const versions = await readLiveVersions(client, schema);
  const model = modelFor(versions, version) ?? (await readModel(client, schema));
  const relation = tableOf(model, table)?.relation ?? "";
  const column = tableOf(model, table)?.columns.find((one) => one.name === name)?.column ?? "";
  if ((await readCustomFields(client, schema)).get(relation)?.has(column) !== true) return;
  if (!acceptDataLoss) {
    const place = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
    const { rows } = await client.query<{ n: number }>(
      `select count(${quoteIdentifier(column)})::int as n from ${place}`,
    );
    const values = rows[0]?.n ?? 0;
    if (values > 0) {
      throw new CustomFieldError(
        table,
        name,
        `it holds ${values} values, which would be lost; say that you accept that.`,
      );
    }
  }
  await eachModel(client, schema, versions, relation, (columns) => columns.filter((one) => one.column !== column));
  const base = quoteIdentifier(schema);
  await client.query(`alter table ${base}.${quoteIdentifier(relation)} drop column ${quoteIdentifier(column)}`);
  await client.query(`delete from ${base}.${CUSTOM_FIELDS_TABLE} where relation = $1 and column_name = $2`, [
    relation,
    column,
  ]);
}

function modelFor(versions: readonly LiveVersion[], version: string | undefined): VersionModel | undefined {
  return (versions.find((one) => one.version === version) ?? versions.at(-1))?.model;
}

/** The tenant's own columns, as a live version calls them; the newest unless told. */
export async function listCustomFields(client: ClientBase, schema: string, version?: string): Promise<CustomField[]> {
  const model = modelFor(await readLiveVersions(client, schema), version) ?? (await readModel(client, schema));
  return (await readRows(client, schema)).flatMap(({ relation, column, type }) => {
    const table = model.tables.find((one) => one.relation === relation);
    const name = table?.columns.find((one) => one.column === column)?.name;
    return table === undefined || name === undefined ? [] : [{ table: table.name, name, type }];
  });
}

async function readRows(
  client: ClientBase,
  schema: string,
): Promise<{ relation: string; column: string; type: CustomFieldType }[]> {
  const table = `${quoteIdentifier(schema)}.${CUSTOM_FIELDS_TABLE}`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (found[0]?.there !== true) return [];
  const { rows } = await client.query<{ relation: string; column: string; type: CustomFieldType }>(
    `select relation, column_name as column, type from ${table} order by relation, column_name`,
  );
  return rows;
}

/** Changes what each live version has of a table, and its views. */
async function eachModel(
  client: ClientBase,
  schema: string,
  versions: readonly LiveVersion[],
  relation: string,
  change: (columns: readonly ColumnModel[]) => readonly ColumnModel[],
): Promise<void> {
  for (const version of versions) {
    const model = {
      tables: version.model.tables.map((table) =>
        table.relation === relation ? { ...table, columns: change(table.columns) } : table,
      ),
    };
    await writeLiveVersion(client, schema, { ...version, model });
    if (version.phase === "active") await createViews(client, { schema, version: version.version, model });
  }
}
