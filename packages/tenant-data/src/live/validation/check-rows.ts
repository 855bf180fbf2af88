import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier } from "../../quote-identifier.ts";
import { nameOf } from "../check-conversions.ts";
import { describeRow } from "../describe-row.ts";
import type { LiveVersion } from "../live-version.ts";
import type { ConstraintFacts, IndexFacts, RelationFacts } from "../relation-facts.ts";
import { findFailingRow } from "./find-failing-row.ts";
import type { ReleaseFinding } from "./release-validation.ts";
import { LEAF, messageOf, PLACE, type RowsAsVersion } from "./rows-as-version.ts";
import type { RowsToLookAt } from "./rows-to-look-at.ts";

/** A table with the rows that are looked at, and what the version wants of them. */
export interface TableToCheck {
  readonly rows: RowsAsVersion;
  readonly look: RowsToLookAt;
  /** As the older version calls it. */
  readonly name: string;
  readonly older: LiveVersion;
  readonly version: LiveVersion;
  readonly before: RelationFacts;
  readonly after: RelationFacts;
  /** What a foreign key refers to. */
  target(relation: string, columns: readonly string[]): ReferencedRows;
  /** Columns about whose expressions all is said. */
  readonly unfit: ReadonlySet<string>;
  /** Milliseconds that are left. */
  left(): number;
}

/** SQL of a referenced table's rows as the version has them; "none" of a new table, "unknown" when they can't be told. */
export type ReferencedRows = { readonly sql: string } | "none" | "unknown";

/** A look at rows that came to no end. */
class NotChecked extends Error {}

/** Tries a version's conversions and constraints on rows that are there. Nothing is written or locked. */
export async function checkRows(
  client: ClientBase,
  table: TableToCheck,
): Promise<{ findings: ReleaseFinding[]; rowsLooked: number }> {
  const findings: ReleaseFinding[] = [];
  const failing = new Set<string>(table.rows.unknown);
  let rowsLooked = 0;
  const attempt = async (what: string, work: () => Promise<ReleaseFinding | undefined>): Promise<boolean> => {
    try {
      const found = await work();
      if (found !== undefined) findings.push(found);
      return true;
    } catch (error) {
      if (!(error instanceof NotChecked)) throw error;
      findings.push({
        code: error.message.includes("row-level security") ? "rows-hidden" : "rows-not-checked",
        severity: "warning",
        message: `Table "${table.name}": ${what} could not be tried on its rows beforehand: ${error.message}.`,
        table: table.name,
      });
      return false;
    }
  };
  const readable = await attempt("the release", async () => {
    const counted = await look<{ rows: number }>(
      client,
      table,
      `select count(*)::float8 as rows from ${table.rows.sql(table.look.ranges)} as n`,
    );
    rowsLooked = counted instanceof DatabaseError ? 0 : (counted[0]?.rows ?? 0);
    return undefined;
  });
  if (!readable) return { findings, rowsLooked };
  for (const [column, message] of table.rows.unreadable) {
    if (table.unfit.has(JSON.stringify([table.rows.relation, column]))) continue;
    await attempt(`the "up" of column "${nameOf(table.rows.relation, column, [table.version])}"`, () =>
      Promise.reject(new NotChecked(message)),
    );
  }
  for (const { column, expression } of table.rows.conversions) {
    const name = nameOf(table.rows.relation, column, [table.version]);
    await attempt(`the "up" of column "${name}"`, async () => {
      const result = await tryConversion(client, table, { column, name, expression });
      if (result !== undefined) failing.add(column);
      return result;
    });
  }
  const known = (columns: readonly string[]): boolean => !columns.some((column) => failing.has(column));
  for (const constraint of table.after.constraints) {
    if (table.before.constraints.some(({ name }) => name === constraint.name) || !known(constraint.columns)) continue;
    if (constraint.type === "c")
      await attempt(`the check "${constraint.name}"`, () => tryCheck(client, table, constraint));
    if (constraint.type === "f") {
      await attempt(`the reference "${constraint.name}"`, () => tryReference(client, table, constraint));
    }
  }
  for (const index of table.after.indexes) {
    if (!index.unique || table.before.indexes.some(({ name }) => name === index.name)) continue;
    const columns = index.keys.flatMap(({ column }) => (column === null ? [] : [column]));
    if (known([...columns, ...index.mentions])) {
      await attempt(`the uniqueness of "${index.name}"`, () => tryUnique(client, table, index));
    }
  }
  return { findings, rowsLooked };
}

/** Runs a query within what is left of the time. @throws NotChecked for what is no matter of the rows */
async function look<T extends object>(
  client: ClientBase,
  table: TableToCheck,
  sql: string,
): Promise<T[] | DatabaseError> {
  const left = Math.floor(table.left());
  if (left <= 0) throw new NotChecked("the time for it was over");
  await client.query("savepoint look");
  await client.query(`set local statement_timeout = ${left}`);
  try {
    const { rows } = await client.query<T>(sql);
    await client.query("release savepoint look");
    return rows;
  } catch (error) {
    if (!(error instanceof DatabaseError) || /^(08|57P|53)/.test(error.code ?? "")) throw error;
    await client.query("rollback to savepoint look; release savepoint look");
    if (error.code === "57014") throw new NotChecked("the time for it was over", { cause: error });
    // Names that only the release makes, functions that write, rows that this session may not see.
    if (/^(42|25|0A)/.test(error.code ?? "")) throw new NotChecked(error.message, { cause: error });
    return error;
  }
}

async function tryConversion(
  client: ClientBase,
  table: TableToCheck,
  { column, name, expression }: { column: string; name: string; expression: string },
): Promise<ReleaseFinding | undefined> {
  const { rows, look: all } = table;
  const count = (...part: Parameters<RowsAsVersion["sql"]>): string =>
    `select count(${quoteIdentifier(column)}) from ${rows.sql(...part)} as n`;
  const result = await look(client, table, count(all.ranges));
  if (!(result instanceof DatabaseError)) return undefined;
  let last = result;
  const row = await findFailingRow(client, all.ranges, async (...part) => {
    const tried = await look(client, table, count(...part));
    if (tried instanceof DatabaseError) last = tried;
    return tried instanceof DatabaseError;
  });
  const subject = row === undefined ? "a row" : `row ${row}`;
  return {
    code: "conversion-fails",
    severity: "error",
    message:
      `Table "${table.name}", ${subject}, can't be brought to ${table.version.version}: ${messageOf(last)}. ` +
      `The "up" of column "${name}" is: ${expression.trim()}. Correct the row, or the release.`,
    table: table.name,
    column: name,
    expression,
    ...(row === undefined ? {} : { row }),
  };
}

interface Example {
  readonly rows: number;
  readonly leaf: string;
  readonly place: string;
}

/** The rows that a condition picks: how many, and one of them. */
async function examples(
  client: ClientBase,
  table: TableToCheck,
  condition: string,
): Promise<{ rows: number; row: string } | undefined> {
  const result = await look<Example>(
    client,
    table,
    `select count(*) over ()::float8 as rows, "${LEAF}" as leaf, "${PLACE}"::text as place
     from ${table.rows.sql(table.look.ranges)} as n where ${condition} limit 1`,
  );
  if (result instanceof DatabaseError) throw new NotChecked(messageOf(result), { cause: result });
  const [found] = result;
  if (found === undefined) return undefined;
  return { rows: found.rows, row: await describeRow(client, found.leaf, found.place) };
}

async function tryCheck(
  client: ClientBase,
  table: TableToCheck,
  constraint: ConstraintFacts,
): Promise<ReleaseFinding | undefined> {
  const found = await examples(client, table, `not (${constraint.condition ?? "true"})`);
  if (found === undefined) return undefined;
  const [column] = constraint.columns;
  const ofNulls = column !== undefined && constraint.condition === `(${quoteLike(column)} IS NOT NULL)`;
  const columnName = column === undefined ? undefined : nameOf(table.rows.relation, column, [table.version]);
  const name = shownName(table, constraint.name);
  const fact = ofNulls
    ? `column "${columnName}" would hold no value in ${inRows(table, found.rows)}, and ${table.version.version} wants one in each`
    : `${inRows(table, found.rows)} would break the check "${name}"`;
  return {
    code: ofNulls ? "value-missing" : "check-violated",
    severity: "error",
    message: `Table "${table.name}": ${fact}, such as row ${found.row}. Correct the rows, or give "up" that does.`,
    table: table.name,
    ...(ofNulls && columnName !== undefined ? { column: columnName } : { constraint: name }),
    ...found,
  };
}

async function tryReference(
  client: ClientBase,
  table: TableToCheck,
  constraint: ConstraintFacts,
): Promise<ReleaseFinding | undefined> {
  const { foreign, columns } = constraint;
  const target = foreign === null ? "unknown" : table.target(foreign.relation, foreign.columns);
  if (foreign === null || target === "unknown") return undefined;
  const pairs = columns.map(
    (column, index) => `t.${quoteIdentifier(foreign.columns[index] ?? "")} = n.${quoteIdentifier(column)}`,
  );
  const given = columns.map((column) => `n.${quoteIdentifier(column)} is not null`);
  const missing =
    target === "none" ? "" : ` and not exists (select from ${target.sql} as t where ${pairs.join(" and ")})`;
  const found = await examples(client, table, `${given.join(" and ")}${missing}`);
  if (found === undefined) return undefined;
  const name = shownName(table, constraint.name);
  const other = table.version.model.tables.find(({ relation }) => relation === foreign.relation)?.name;
  return {
    code: "reference-missing",
    severity: "error",
    message:
      `Table "${table.name}": ${inRows(table, found.rows)} would refer by "${name}" to a row of ` +
      `"${other ?? foreign.relation}" that is not there, such as row ${found.row}. Correct the rows, or give "up" that does.`,
    table: table.name,
    constraint: name,
    ...found,
  };
}

async function tryUnique(
  client: ClientBase,
  table: TableToCheck,
  index: IndexFacts,
): Promise<ReleaseFinding | undefined> {
  const keys = index.keys.map(({ text }, position) => `(${text}) as k${position}`).join(", ");
  const given = index.nullsNotDistinct ? [] : index.keys.map((_, position) => `k${position} is not null`);
  const where = index.predicate === null ? "" : ` where ${index.predicate}`;
  const result = await look<{ values: number; example: string; times: number }>(
    client,
    table,
    `select count(*) over ()::float8 as values, to_jsonb(v)::text as example, times::float8 as times from (
       select v, count(*) as times from (select ${keys} from ${table.rows.sql(table.look.ranges)} as n${where}) as v
       ${given.length === 0 ? "" : `where ${given.join(" and ")}`} group by v having count(*) > 1) as g limit 1`,
  );
  if (result instanceof DatabaseError) throw new NotChecked(messageOf(result), { cause: result });
  const [found] = result;
  if (found === undefined) return undefined;
  const names = index.keys.map(({ column, text }) =>
    column === null ? text : nameOf(table.rows.relation, column, [table.version]),
  );
  const name = shownName(table, index.name);
  const example = Object.values(JSON.parse(found.example) as Record<string, unknown>).map((value) =>
    JSON.stringify(value),
  );
  return {
    code: "not-unique",
    severity: "error",
    message:
      `Table "${table.name}": ${found.values} ${found.values === 1 ? "value" : "values"} of (${names.join(", ")}) ` +
      `${found.values === 1 ? "is" : "are"} there more than once, such as (${example.join(", ")}) ${found.times} times` +
      `${ofSample(table)}, and "${name}" wants them unique. Correct the rows, or give "up" that does.`,
    table: table.name,
    constraint: name,
    rows: found.values,
  };
}

/** What the version will call a constraint or index that has a passing name. */
function shownName({ version }: TableToCheck, name: string): string {
  for (const task of version.renaming) {
    if ((task.do === "rename-constraint" || task.do === "rename-index") && task.from === name) return task.to;
  }
  return name;
}

function inRows(table: TableToCheck, rows: number): string {
  return `${rows} ${rows === 1 ? "row" : "rows"}${ofSample(table)}`;
}

function ofSample({ look: { sampled } }: TableToCheck): string {
  return sampled ? " of a sample" : "";
}

/** As the server writes a name in an expression. */
function quoteLike(column: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(column) ? column : quoteIdentifier(column);
}
