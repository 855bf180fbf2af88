import { quoteIdentifier } from "../quote-identifier.ts";
import { indexOf } from "../live/draft.ts";
import type { OperationOf } from "./operation.ts";
import { invalid, type StartContext } from "./start-context.ts";

/** Drops an index when the older versions go. */
export async function startDropIndex(context: StartContext, { name }: OperationOf<"drop_index">): Promise<void> {
  for (const table of context.draft.tables) {
    const declared = table.indexes.findIndex((index) => index.name === name);
    if (declared >= 0) {
      table.indexes.splice(declared, 1);
      return;
    }
    const index = indexOf(table, name);
    if (index === undefined) continue;
    if (index.constraint !== null) {
      throw invalid(
        context,
        `index "${name}" belongs to constraint "${index.constraint}"; use "drop_multi_column_constraint".`,
      );
    }
    table.withoutIndexes.add(index.name);
    context.draft.completing.push({ do: "drop-index", index: index.name });
    return;
  }
  const { client, schema, draft } = context;
  const { rows } = await client.query<{ table: string }>(
    `select t.relname as "table" from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
     join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [schema, name],
  );
  const fresh = draft.tables.find((table) => table.facts === undefined && table.relation === rows[0]?.table);
  if (fresh === undefined) throw invalid(context, `there is no index "${name}".`);
  await client.query(`drop index ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
}
