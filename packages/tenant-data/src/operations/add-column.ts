import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import type { DraftColumn, DraftTable } from "../live/draft.ts";
import { checkColumn, isVolatileDefault, serialType } from "./check-column.ts";
import { columnSql } from "./column-sql.ts";
import type { OperationOf } from "./operation.ts";
import { addCheck, addReference, addUnique } from "./declare-constraint.ts";
import { composeUp, invalid, refuseColumn, relationSql, requireTable, type StartContext } from "./start-context.ts";
import { settleCustomField } from "./settle-custom-field.ts";

/** Adds a column. Rows that are there and rows of older versions get `up`, or the default. */
export async function startAddColumn(context: StartContext, operation: OperationOf<"add_column">): Promise<void> {
  const { column, up } = operation;
  const table = requireTable(context, operation.table);
  await checkColumn(context, column);
  if (table.facts === undefined) return addToNewTable(context, table, operation);
  if (column.generated !== undefined) {
    throw invalid(
      context,
      `column "${column.name}" is ${column.generated.identity === undefined ? "generated" : "an identity"}: filling it would rewrite ` +
        `"${table.name}" while nobody can use it. Add a plain column with "up", or use an exclusive SQL migration.`,
    );
  }
  const adopted = await settleCustomField(context, table, column.name);
  refuseColumn(context, table, column.name);
  const serial = serialType(column.type);
  const own = typeof column.default === "string" ? column.default : null;
  const composed = up === undefined ? undefined : await composeUp(context, table, column.name, up);
  const volatile = own !== null && (await isVolatileDefault(own));
  if (!column.nullable && own === null && serial === undefined && composed === undefined && adopted === undefined) {
    throw invalid(
      context,
      `column "${column.name}" holds no nulls, so rows that are there need a value: give "up" or "default", or say "nullable: true".`,
    );
  }
  const added: DraftColumn = {
    name: column.name,
    before: undefined,
    physical: undefined,
    spec: {
      type: serial ?? column.type,
      collation: null,
      notNull: !column.nullable,
      default: own,
      comment: column.comment ?? null,
      like: null,
      serial: serial !== undefined,
    },
    replaces: undefined,
    up:
      composed ??
      (adopted === undefined ? (volatile ? (own ?? undefined) : undefined) : `(${adopted})::${column.type}`),
  };
  if (volatile && composed === undefined && adopted === undefined) added.upIsDefault = true;
  table.columns.push(added);
  table.stages.push(new Map());
  if (column.check !== undefined) addCheck(table, { ...column.check, noInherit: column.check.no_inherit });
  if (column.unique) addUnique(table, `${table.name}_${column.name}_key`.slice(0, 63), [added]);
  if (column.references !== undefined) addReference(context, table, added, column.references);
  if (column.pk) {
    if (table.facts.constraints.some(({ type, name }) => type === "p" && !table.withoutConstraints.has(name))) {
      throw invalid(context, `table "${table.name}" has a primary key; drop it by "drop_constraint" first.`);
    }
    added.spec = { ...added.spec, notNull: true } as NonNullable<DraftColumn["spec"]>;
    table.constraints.push({
      name: `${table.name}_pkey`.slice(0, 63),
      type: "primary_key",
      columns: [added],
      timing: "",
    });
  }
}

async function addToNewTable(
  context: StartContext,
  table: DraftTable,
  { column }: OperationOf<"add_column">,
): Promise<void> {
  refuseColumn(context, table, column.name);
  const sql = relationSql(context, table);
  const target = (other: string): string => relationSql(context, requireTable(context, other));
  await context.client.query(`alter table ${sql} add column ${columnSql(column, { key: false }, target)}`);
  if (column.pk) await context.client.query(`alter table ${sql} add primary key (${quoteIdentifier(column.name)})`);
  if (typeof column.comment === "string") {
    await context.client.query(
      `comment on column ${sql}.${quoteIdentifier(column.name)} is ${quoteLiteral(column.comment)}`,
    );
  }
  table.columns.push({
    name: column.name,
    before: undefined,
    physical: column.name,
    spec: undefined,
    replaces: undefined,
    up: undefined,
  });
}
