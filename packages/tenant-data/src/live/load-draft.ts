import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { Draft, DraftTable } from "./draft.ts";
import type { LiveVersion, SchemaTask } from "./live-version.ts";
import { type ConstraintFacts, readRelation, type RelationFacts } from "./relation-facts.ts";
import type { TableModel } from "./version-model.ts";

/** A draft that is what the newest version has; the release's operations change it. */
export async function loadDraft(client: ClientBase, schema: string, versions: readonly LiveVersion[]): Promise<Draft> {
  const tables: DraftTable[] = [];
  const pending = versions.flatMap(({ completing }) => completing);
  for (const table of versions.at(-1)?.model.tables ?? []) {
    const facts = await readRelation(client, schema, table.relation);
    if (facts === undefined) continue;
    const columns = table.columns.map(({ column }) => column);
    tables.push(draftTable(table, asNewestHas(facts, columns, pending), versions));
  }
  return {
    tables,
    without: [],
    finishing: [],
    completing: [],
    pending,
    renaming: [],
    undoing: [],
    number: await highestNumber(client, schema),
  };
}

function draftTable(table: TableModel, facts: RelationFacts, versions: readonly LiveVersion[]): DraftTable {
  const renaming = versions.flatMap((version) => version.renaming);
  return {
    name: table.name,
    relation: table.relation,
    before: table.name,
    facts,
    columns: table.columns.map((column) => ({
      name: column.name,
      before: column.name,
      physical: column.column,
      spec: undefined,
      replaces: undefined,
      up: undefined,
      ...(column.default === undefined ? {} : { default: column.default }),
    })),
    stages: [],
    constraints: [],
    indexes: [],
    withoutConstraints: new Set(),
    withoutIndexes: new Set(),
    constraintNames: new Map(
      renaming.flatMap((task) =>
        task.do === "rename-constraint" && task.relation === table.relation ? [[task.from, task.to] as const] : [],
      ),
    ),
    indexNames: new Map(
      renaming.flatMap((task) => (task.do === "rename-index" ? [[task.from, task.to] as const] : [])),
    ),
  };
}

/**
 * What the newest version has of a table, of all that is there for several.
 *
 * @param columns of it, as they are called in the table
 * @param pending what is to be done when the versions before the newest are gone
 */
export function asNewestHas(
  facts: RelationFacts,
  columns: readonly string[],
  pending: readonly SchemaTask[],
): RelationFacts {
  return withoutLeaving(withPending(facts, pending), new Set(columns), pending);
}

/** What live versions will be when those before them are gone: columns that hold no nulls, indexes that are keys. */
function withPending(facts: RelationFacts, pending: readonly SchemaTask[]): RelationFacts {
  const notNull = new Map(
    pending.flatMap((task) =>
      task.do === "set-not-null" && task.relation === facts.relation ? [[task.check, task.column] as const] : [],
    ),
  );
  const columns = new Set(notNull.values());
  const adopted = pending.flatMap((task): ConstraintFacts[] => {
    if (task.do !== "adopt-index" || task.relation !== facts.relation) return [];
    const index = facts.indexes.find((one) => one.name === task.index && one.constraint === null);
    if (index === undefined) return [];
    return [
      {
        name: task.constraint,
        type: task.primaryKey ? "p" : "u",
        columns: index.keys.flatMap(({ column }) => (column === null ? [] : [column])),
        definition: "",
        condition: null,
        validated: true,
        noInherit: false,
        deferrable: task.timing.includes("deferrable"),
        deferred: task.timing.includes("initially deferred"),
        comment: null,
        foreign: null,
      },
    ];
  });
  return {
    ...facts,
    columns: facts.columns.map((column) => (columns.has(column.name) ? { ...column, notNull: true } : column)),
    constraints: [...facts.constraints.filter(({ name }) => !notNull.has(name)), ...adopted],
    indexes: facts.indexes.map((index) => {
      const constraint = adopted.find(({ name }) => name === index.name);
      return constraint === undefined ? index : { ...index, constraint: constraint.name };
    }),
  };
}

/** Leaves out what only older versions have: it goes with them. */
function withoutLeaving(
  facts: RelationFacts,
  columns: ReadonlySet<string>,
  pending: readonly SchemaTask[],
): RelationFacts {
  const leaving = new Set(
    pending.flatMap((task) =>
      task.do === "drop-index" ? [task.index] : task.do === "drop-constraint" ? [task.constraint] : [],
    ),
  );
  const has = (names: readonly string[]): boolean => names.every((name) => columns.has(name));
  return {
    ...facts,
    constraints: facts.constraints.filter((one) => has(one.columns) && !leaving.has(one.name)),
    indexes: facts.indexes.filter(
      (one) =>
        has([
          ...one.keys.flatMap(({ column }) => (column === null ? [] : [column])),
          ...one.include,
          ...one.mentions,
        ]) &&
        !leaving.has(one.name) &&
        (one.constraint === null || !leaving.has(one.constraint)),
    ),
  };
}

/** So that passing names of earlier versions are not made twice. */
async function highestNumber(client: ClientBase, schema: string): Promise<number> {
  const { rows } = await client.query<{ highest: number }>(
    `select coalesce(max(substring(name from '^aibos_(\\d{1,9})_')::integer), 0) as highest from (
       select c.relname::text as name from pg_class c where c.relnamespace = $1::regnamespace
       union all
       select a.attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
       union all
       select k.conname::text from pg_constraint k where k.connamespace = $1::regnamespace) as names`,
    [quoteIdentifier(schema)],
  );
  return rows[0]?.highest ?? 0;
}
