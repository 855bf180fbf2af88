import { quoteIdentifier } from "../quote-identifier.ts";
import type { DraftColumn, DraftTable } from "../live/draft.ts";
import { checkDown, composeUp, factsOf, invalid, type StartContext } from "./start-context.ts";

/** A column and what it is filled by, over the table's names before the operation; `down` over those after it. */
export interface Replacement {
  readonly column: DraftColumn;
  readonly up: string | undefined;
  readonly down: string | undefined;
}

/**
 * Gives the version columns of its own in place of some that older versions use, with values kept equal by `up` and
 * `down`; without them the values are the same. A column that this release makes anyway is only given the expressions.
 */
export async function replaceColumns(
  context: StartContext,
  table: DraftTable,
  replacements: readonly Replacement[],
): Promise<void> {
  const stage = new Map<string, string>();
  // All before any is changed: each expression may name the others.
  const ups: (string | undefined)[] = [];
  for (const { column, up, down } of replacements) {
    ups.push(up === undefined ? undefined : await composeUp(context, table, column.name, up));
    if (down !== undefined) await checkDown(context, table, column.name, down);
    stage.set(column.name, down ?? quoteIdentifier(column.name));
  }
  for (const [index, { column }] of replacements.entries()) {
    if (column.spec === undefined) makeOwn(context, table, column);
    column.up = ups[index] ?? column.up;
  }
  table.stages.push(stage);
}

function makeOwn(context: StartContext, table: DraftTable, column: DraftColumn): void {
  if (column.before === undefined) {
    throw invalid(
      context,
      `column "${column.name}" is made by an operation before an "sql" of the same release; change it there.`,
    );
  }
  const facts = factsOf(table, column.physical);
  if (facts === undefined) throw invalid(context, `column "${column.name}" is not in the table any more.`);
  if (facts.generated !== "") {
    throw invalid(
      context,
      `column "${column.name}" is generated from others and can't be given values. Drop it and add another one.`,
    );
  }
  column.up = quoteIdentifier(column.before);
  column.replaces = column.physical;
  column.physical = undefined;
  column.spec = {
    type: facts.type,
    collation: facts.collation,
    notNull: facts.notNull,
    default: column.default === undefined ? facts.default : column.default,
    comment: facts.comment,
    like: facts.name,
    serial: false,
  };
  delete column.default;
}
