import { type ClientBase, DatabaseError } from "pg";
import { isVolatileDefault } from "../../operations/check-column.ts";
import { quoteIdentifier, quoteLiteral } from "../../quote-identifier.ts";
import type { Conversion, LiveVersion } from "../live-version.ts";
import type { RelationFacts } from "../relation-facts.ts";
import { readConversion, readSchemaNames } from "../sync-trigger.ts";
import type { RowRange } from "./rows-to-look-at.ts";

/** Columns of every row that say where it is. */
export const LEAF = "aibos leaf";
export const PLACE = "aibos place";

/** Rows of a table that is there, with the columns that a version would give them. */
export interface RowsAsVersion {
  readonly relation: string;
  /** In the table, with those that the release makes. */
  readonly columns: ReadonlySet<string>;
  /** Columns whose values nobody can tell before, such as keys that are yet to be drawn. */
  readonly unknown: ReadonlySet<string>;
  /** Those of them whose expression can't be read as the tables are now, and what the server says of it. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly conversions: readonly Conversion[];
  /** A `select` of rows, in parentheses: those of some ranges, or, with `places`, of one range only these. */
  sql(ranges: readonly RowRange[], places?: readonly string[]): string;
}

export async function rowsAsVersion(
  client: ClientBase,
  schema: string,
  { older, version, several }: { older: LiveVersion; version: LiveVersion; several: boolean },
  { before, after }: { before: RelationFacts; after: RelationFacts },
): Promise<RowsAsVersion> {
  const { relation } = before;
  const table = older.model.tables.find((one) => one.relation === relation);
  const link = version.links.find((one) => one.relation === relation);
  const names = await readSchemaNames(client, schema);
  const present = new Set(before.columns.map(({ name }) => name));
  const unknown = new Set<string>();
  const unreadable = new Map<string, string>();
  const values: string[] = [];
  for (const { name, type, default: own } of after.columns) {
    const conversion = link?.up.find(({ column }) => column === name);
    if (present.has(name)) values.push(`r.${quoteIdentifier(name)}`);
    else if (conversion?.onlyOldRows === true) {
      unknown.add(name);
      values.push(`null::${type}`);
    } else if (conversion !== undefined && table !== undefined) {
      const place = { schema, version: older.version, model: older.model, table, names };
      // Where one version has the tables as they are, its views are not there.
      const { sql } = await readConversion(
        several ? place : { ...place, relations: schema },
        conversion.expression,
        "r",
      );
      const value = fitted(sql, type);
      const failure = await readingFails(
        client,
        `select ${value} from ${quoteIdentifier(schema)}.${quoteIdentifier(relation)} as r`,
      );
      if (failure === undefined) values.push(value);
      else {
        unknown.add(name);
        unreadable.set(name, failure);
        // The type may be one that only the release makes.
        values.push("null");
      }
    } else {
      const constant = own !== null && !(await isVolatileDefault(own));
      if (own !== null && !constant) unknown.add(name);
      values.push(`(${constant ? own : "null"})::${type}`);
    }
  }
  const list = after.columns.map(({ name }, index) => `${values[index] ?? "null"} as ${quoteIdentifier(name)}`);
  const real = before.columns.map(({ name }) => quoteIdentifier(name)).join(", ");
  return {
    relation,
    columns: new Set(after.columns.map(({ name }) => name)),
    unknown,
    unreadable,
    conversions: (link?.up ?? []).filter(({ column }) => !unknown.has(column)),
    sql(ranges, places) {
      const sources = ranges.map(
        ({ leaf, from, to }) =>
          `select ${quoteLiteral(leaf)} as "${LEAF}", ctid as "${PLACE}", ${real} from only ${leaf} ` +
          `where ctid >= '(${from},0)'::tid and ctid < '(${to},0)'::tid` +
          (places === undefined
            ? ""
            : ` and ctid = any (${quoteLiteral(`{${places.map((one) => `"${one}"`).join(",")}}`)}::tid[])`),
      );
      const source = sources.length === 0 ? nothing(real) : sources.join(" union all ");
      return `(select r."${LEAF}", r."${PLACE}", ${list.join(", ")} from (${source}) as r)`;
    },
  };

  function nothing(columns: string): string {
    return `select null as "${LEAF}", null::tid as "${PLACE}", ${columns} from only ${quoteIdentifier(schema)}.${quoteIdentifier(relation)} where false`;
  }
}

/** What the server says of a query that it can't read. */
async function readingFails(client: ClientBase, sql: string): Promise<string | undefined> {
  await client.query("savepoint reading");
  const failure = await client.query(`${sql} limit 0`).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof DatabaseError && /^(0A|22|25|42)/.test(error.code ?? "")) return error.message;
      throw error;
    },
  );
  await client.query("rollback to savepoint reading; release savepoint reading");
  return failure;
}

/** A value as a column of a type takes it: what is too long is an error there, and cut by a cast. */
function fitted(sql: string, type: string): string {
  const [, kind, length] = /^(character varying|character)\((\d+)\)$/.exec(type) ?? [];
  if (kind === undefined || length === undefined) return `(${sql})::${type}`;
  const tooLong = `char_length(rtrim((${sql})::text, ' ')) > ${length}`;
  // An expression has no other way to an error than a cast that fails, and a constant one would fail for all rows.
  const failing = `(${quoteLiteral(`${TOO_LONG} ${type}`)} || left((${sql})::text, 0))::integer::text`;
  return `(case when ${tooLong} then ${failing} else (${sql})::text end)::${type}`;
}

const TOO_LONG = "value too long for type";

/** What the server says of a row, without the detour of {@link fitted}. */
export function messageOf(error: Error): string {
  return /"(value too long for type [^"]*)"$/.exec(error.message)?.[1] ?? error.message;
}
