import { assessStatements } from "../statement-risk/assess-statements.ts";
import { readModel } from "../live/version-model.ts";
import { asNewestHas } from "../live/load-draft.ts";
import { readRelation } from "../live/relation-facts.ts";
import { settleDraft } from "../live/settle-draft.ts";
import type { DraftTable } from "../live/draft.ts";
import type { OperationOf } from "./operation.ts";
import { invalid, type StartContext } from "./start-context.ts";

/** A table above this size is not rewritten or read as a whole while nobody can write to it. */
const SMALL_BYTES = 8 * 1_048_576;

/** Runs SQL of the author's own when the version starts, or when the older versions go. */
export async function startSql(context: StartContext, { up, down, onComplete }: OperationOf<"sql">): Promise<void> {
  const { draft } = context;
  if (onComplete) {
    if (down !== undefined)
      throw invalid(context, 'with "onComplete" there is nothing to go back to: leave "down" out.');
    await assess(context, up);
    draft.completing.push({ do: "run-sql", sql: up, where: context.where });
    return;
  }
  if (draft.tables.some((table) => table.columns.some((column) => column.replaces !== undefined))) {
    throw invalid(
      context,
      'operations before it give columns to this version alone, which SQL can\'t name. Put it before them, or say "onComplete: true".',
    );
  }
  await settleDraft(context);
  await assess(context, up);
  await context.client.query(up);
  if (down !== undefined) draft.undoing.unshift({ do: "run-sql", sql: down, where: context.where });
  await readAgain(context);
}

async function assess(context: StartContext, sql: string): Promise<void> {
  const risks = await assessStatements(sql).catch((cause: unknown) => {
    throw invalid(context, `it is not SQL: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
  });
  for (const risk of risks) {
    if (risk.kind === "TransactionStmt" || !risk.inTransaction) {
      throw invalid(context, `line ${risk.line} can't run inside a transaction: ${risk.statement}`);
    }
    for (const { relation, lock, rewrites, scans } of risk.effects) {
      const table = context.draft.tables.find((one) => one.relation === relation.slice(relation.lastIndexOf(".") + 1));
      const large = (table?.facts?.bytes ?? 0) > SMALL_BYTES;
      const strong = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"].includes(lock);
      if (!large || !strong || (rewrites === "no" && scans === "no")) continue;
      const safer = risk.findings.find((finding) => finding.safer !== undefined)?.safer;
      throw invalid(
        context,
        `line ${risk.line} ${rewrites === "no" ? "reads" : "rewrites"} the whole of "${relation}" while nobody can write to it: ` +
          `${risk.statement}${safer === undefined ? "" : ` (${safer})`}`,
      );
    }
  }
}

/** SQL may have made, changed and dropped anything: the version has what is there now. */
async function readAgain(context: StartContext): Promise<void> {
  const { client, schema, draft } = context;
  const model = await readModel(client, schema);
  const known = new Map([...draft.tables, ...draft.without].map((table) => [table.relation, table]));
  for (const { relation, columns } of model.tables) {
    const table = known.get(relation);
    if (table === undefined) {
      draft.tables.push(
        madeTable(
          relation,
          columns.map(({ column }) => column),
        ),
      );
      continue;
    }
    for (const { column } of columns) {
      const there = table.columns.some(({ physical }) => physical === column);
      if (there || table.facts?.columns.some(({ name }) => name === column) === true) continue;
      table.columns.push({
        name: column,
        before: undefined,
        physical: column,
        spec: undefined,
        replaces: undefined,
        up: undefined,
      });
    }
    table.columns = table.columns.filter(
      ({ physical }) => physical === undefined || columns.some(({ column }) => column === physical),
    );
    const { facts } = table;
    if (facts === undefined) continue;
    const found = await readRelation(client, schema, relation);
    const own = table.columns.flatMap(({ physical }) => (physical === undefined ? [] : [physical]));
    const now = found === undefined ? undefined : asNewestHas(found, own, draft.pending);
    // A trial's tables are empty, and said to be as large as the real ones.
    if (now !== undefined) table.facts = { ...now, bytes: Math.max(now.bytes, facts.bytes) };
  }
  const relations = new Set(model.tables.map(({ relation }) => relation));
  draft.tables = draft.tables.filter(({ relation }) => relations.has(relation));
}

function madeTable(relation: string, columns: readonly string[]): DraftTable {
  return {
    name: relation,
    relation,
    before: undefined,
    facts: undefined,
    columns: columns.map((column) => ({
      name: column,
      before: undefined,
      physical: column,
      spec: undefined,
      replaces: undefined,
      up: undefined,
    })),
    stages: [],
    constraints: [],
    indexes: [],
    withoutConstraints: new Set(),
    withoutIndexes: new Set(),
    constraintNames: new Map(),
    indexNames: new Map(),
  };
}
