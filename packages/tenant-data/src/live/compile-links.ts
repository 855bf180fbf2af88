import { quoteIdentifier } from "../quote-identifier.ts";
import { columnsOf, composeExpression, parseExpression } from "./expression.ts";
import type { Draft, DraftTable } from "./draft.ts";
import type { Conversion, TableLink } from "./live-version.ts";
import { tableOf, type VersionModel } from "./version-model.ts";

/** What the version has, once its columns are made. */
export function modelOf(draft: Draft): VersionModel {
  return {
    tables: draft.tables.map(({ name, relation, columns }) => ({
      name,
      relation,
      columns: columns.map((column) => ({
        name: column.name,
        column: column.physical ?? column.name,
        ...(column.default === undefined ? {} : { default: column.default }),
      })),
    })),
  };
}

/** How rows go from the older version to this one, and back. */
export async function compileLinks(draft: Draft, older: VersionModel): Promise<TableLink[]> {
  const links: TableLink[] = [];
  for (const table of draft.tables) {
    if (table.before === undefined) continue;
    links.push({
      relation: table.relation,
      before: table.before,
      after: table.name,
      up: table.columns.flatMap(({ physical, replaces, before, up, upIsDefault, drawn }) =>
        physical === undefined || up === undefined || (before !== undefined && replaces === undefined)
          ? []
          : [
              {
                column: physical,
                expression: up,
                ...(upIsDefault === true ? { onlyOldRows: true as const } : {}),
                ...(drawn === true ? { drawn: true as const } : {}),
              },
            ],
      ),
      down: await downOf(table, older),
    });
  }
  for (const table of draft.without) {
    if (table.before === undefined) continue;
    links.push({ relation: table.relation, before: table.before, after: undefined, up: [], down: [] });
  }
  return links;
}

/** Goes back through the stages, from the version's names to the older one's. */
async function downOf(table: DraftTable, older: VersionModel): Promise<Conversion[]> {
  let over = new Map<string, string | null>(table.columns.map(({ name }) => [name, quoteIdentifier(name)]));
  for (const stage of table.stages.toReversed()) {
    const before = new Map(over);
    for (const [name, expression] of stage) {
      before.set(
        name,
        expression === null || (await isOfNothing(expression, table.name, over))
          ? null
          : await composeExpression(expression, table.name, (column) =>
              over.has(column) ? (over.get(column) ?? "null") : undefined,
            ),
      );
    }
    over = before;
  }
  const shared = new Set(
    table.columns.flatMap(({ before, replaces }) => (before === undefined || replaces !== undefined ? [] : [before])),
  );
  const generated = new Set(
    table.facts?.columns.filter((column) => column.generated !== "").map((column) => column.name),
  );
  return (tableOf(older, table.before ?? "")?.columns ?? []).flatMap(({ name, column }) => {
    const expression = over.get(name) ?? null;
    return shared.has(name) || expression === null || generated.has(column) ? [] : [{ column, expression }];
  });
}

/** Whether all that an expression is made of are columns that later operations dropped, saying nothing of them. */
async function isOfNothing(
  expression: string,
  table: string,
  over: ReadonlyMap<string, string | null>,
): Promise<boolean> {
  const known = columnsOf(await parseExpression(expression, table)).filter((column) => over.has(column));
  return known.length > 0 && known.every((column) => over.get(column) === null);
}
