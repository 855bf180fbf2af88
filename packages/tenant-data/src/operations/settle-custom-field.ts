import { quoteIdentifier } from "../quote-identifier.ts";
import type { DraftColumn, DraftTable } from "../live/draft.ts";
import { CustomFieldConflictError } from "../custom-fields/custom-field-conflict-error.ts";
import { factsOf, refuseColumn, type StartContext } from "./start-context.ts";

/** The tenant's own field of a name; undefined when the column of the name is the module's, or there is none. */
export function customFieldAt(context: StartContext, table: DraftTable, name: string): DraftColumn | undefined {
  const field = table.columns.find((column) => column.name === name);
  const fields = context.customFieldsOf.get(table.relation);
  if (field?.physical === undefined || field.before === undefined) return undefined;
  return fields?.has(field.physical) === true ? field : undefined;
}

/**
 * Makes room for a release's column that is called like a tenant's own field, as was chosen.
 *
 * @returns SQL of the field's value over the older version's names when the column takes it over
 * @throws CustomFieldConflictError when nothing was chosen
 */
export async function settleCustomField(
  context: StartContext,
  table: DraftTable,
  name: string,
): Promise<string | undefined> {
  const field = customFieldAt(context, table, name);
  if (field?.before === undefined) return undefined;
  const choice = context.customFields.get(`${table.name}.${name}`);
  if (choice === undefined) throw new CustomFieldConflictError(context.where, table.name, name);
  if ("rename" in choice) {
    refuseColumn(context, table, choice.rename);
    field.name = choice.rename;
    table.stages.push(new Map([[name, quoteIdentifier(choice.rename)]]));
    return undefined;
  }
  const type = factsOf(table, field.physical)?.type ?? "text";
  table.columns.splice(table.columns.indexOf(field), 1);
  table.stages.push(new Map([[name, `(${quoteIdentifier(name)})::${type}`]]));
  return quoteIdentifier(field.before);
}
