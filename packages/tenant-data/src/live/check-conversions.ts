import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { OperationInvalidError } from "../operations/operation-invalid-error.ts";
import type { LiveVersion } from "./live-version.ts";
import { readConversion, readSchemaNames } from "./sync-trigger.ts";

/**
 * Has the server read every conversion, on no row: a name that is not there is told now and not by the first write.
 * Those that read other tables through the new version's views wait for the views.
 *
 * @throws OperationInvalidError
 */
export async function checkConversions(
  client: ClientBase,
  schema: string,
  older: LiveVersion,
  newer: LiveVersion,
): Promise<void> {
  for await (const { error } of misfits(client, schema, older, newer)) throw error;
}

/** A conversion that the server can't read. */
export interface Misfit {
  readonly relation: string;
  /** In the table. */
  readonly column: string;
  readonly error: OperationInvalidError;
}

/** What of a version's conversions does not fit, one after the other. */
export async function* misfits(
  client: ClientBase,
  schema: string,
  older: LiveVersion,
  newer: LiveVersion,
): AsyncGenerator<Misfit> {
  const names = await readSchemaNames(client, schema);
  for (const link of newer.links) {
    for (const [direction, source, conversions] of [
      ["up", older, link.up],
      ["down", newer, link.down],
    ] as const) {
      const table = source.model.tables.find((one) => one.relation === link.relation);
      if (table === undefined) continue;
      for (const { column, expression } of conversions) {
        const place = { schema, version: source.version, model: { tables: [table] }, table, names };
        const { sql } = await readConversion(place, expression, "r");
        const row = `${quoteIdentifier(schema)}.${quoteIdentifier(link.relation)}`;
        await client.query("savepoint conversion");
        const misfit = await client.query(`select r.${quoteIdentifier(column)}, ${sql} from ${row} as r limit 0`).then(
          ({ fields: [into, from] }) => describeTypes(client, from?.dataTypeID, into?.dataTypeID),
          (cause: unknown) => {
            if (!(cause instanceof DatabaseError)) throw cause;
            // A table that only a version's view has: the views come later.
            if (cause.code === "42P01") return undefined;
            return { detail: `${cause.message} (SQLSTATE ${cause.code})`, options: { cause, sqlState: cause.code } };
          },
        );
        await client.query("rollback to savepoint conversion; release savepoint conversion");
        if (misfit === undefined) continue;
        const error = new OperationInvalidError(
          `${newer.version}, table "${table.name}"`,
          `the "${direction}" for column "${nameOf(link.relation, column, [older, newer])}" does not fit: ${misfit.detail}. ` +
            `It is: ${expression.trim()}`,
          misfit.options,
        );
        yield { relation: link.relation, column, error };
      }
    }
  }
}

/** What values of a category of types are written like: booleans, numbers, times and spans of time. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  B: ["true"],
  N: ["0", "1"],
  D: ["2000-01-01"],
  T: ["1 day"],
};
/** The text is not one of the type. */
const NOT_OF_TYPE: readonly string[] = ["22P02", "22007"];

/**
 * Says that values of one type can't become ones of another: there is no cast, and what they are written like is not
 * understood, which is how the trigger assigns them. It would find out with the first row.
 */
async function describeTypes(
  client: ClientBase,
  from: number | undefined,
  into: number | undefined,
): Promise<{ detail: string; options?: undefined } | undefined> {
  if (from === into || from === undefined || into === undefined) return undefined;
  const { rows } = await client.query<{ from: string; into: string; category: string }>(
    `select format_type(f.oid, null) as "from", format_type(i.oid, null) as into, f.typcategory as category
     from pg_type f, pg_type i
     where f.oid = $1 and i.oid = $2 and f.typcategory <> i.typcategory
       and not exists (select from pg_cast where castsource = f.oid and casttarget = i.oid)`,
    [from, into],
  );
  const [types] = rows;
  const samples = types === undefined ? [] : (SAMPLES[types.category] ?? []);
  if (types === undefined || samples.length === 0) return undefined;
  for (const sample of samples) if (await canBeRead(client, sample, types)) return undefined;
  return { detail: `it gives ${types.from}, and the column is ${types.into}` };
}

async function canBeRead(client: ClientBase, sample: string, types: { from: string; into: string }): Promise<boolean> {
  await client.query("savepoint sample");
  try {
    await client.query(`select $1::text::${types.from}::text::${types.into}`, [sample]);
    return true;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return !NOT_OF_TYPE.includes(error.code ?? "");
  } finally {
    await client.query("rollback to savepoint sample; release savepoint sample");
  }
}

export function nameOf(relation: string, column: string, versions: readonly LiveVersion[]): string {
  for (const { model } of versions) {
    const table = model.tables.find((one) => one.relation === relation);
    const name = table?.columns.find((one) => one.column === column)?.name;
    if (name !== undefined) return name;
  }
  return column;
}
