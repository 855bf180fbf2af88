import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { isVolatileDefault } from "../operations/check-column.ts";
import { factsOf, isFreeName, relationSql, type StartContext } from "../operations/start-context.ts";
import { type ColumnSpec, type DraftColumn, type DraftTable, passingName } from "./draft.ts";

/** Adds a column that the release wants to a table that was there, without rewriting or reading it. */
export async function makeColumn(context: StartContext, table: DraftTable, column: DraftColumn): Promise<void> {
  const { spec } = column;
  if (spec === undefined) return;
  const { client, draft } = context;
  const sql = relationSql(context, table);
  const taken = table.facts?.columns.some((facts) => facts.name === column.name) === true;
  const physical = taken || column.replaces !== undefined ? passingName(draft, column.name) : column.name;
  const name = quoteIdentifier(physical);
  const own = await defaultOf(context, table, column, spec, physical);
  // A default that is the same for all rows costs nothing; any other is for rows to come.
  const direct = own !== null && column.replaces === undefined && !(await isVolatileDefault(own));
  const collation = spec.collation === null ? "" : ` collate ${spec.collation}`;
  const notNull = spec.notNull && direct && column.up === undefined;
  await client.query(
    `alter table ${sql} add column ${name} ${spec.type}${collation}${direct ? ` default ${own}` : ""}${notNull ? " not null" : ""}`,
  );
  draft.undoing.unshift({ do: "drop-column", relation: table.relation, column: physical });
  if (own !== null && !direct) await client.query(`alter table ${sql} alter column ${name} set default ${own}`);
  if (spec.notNull && !notNull) {
    const check = passingName(draft, `${column.name}_not_null`);
    await client.query(
      `alter table ${sql} add constraint ${quoteIdentifier(check)} check (${name} is not null) not valid`,
    );
    draft.finishing.push({ do: "validate-constraint", relation: table.relation, constraint: check });
    draft.completing.push({ do: "set-not-null", relation: table.relation, column: physical, check });
  }
  if (spec.comment !== null) await client.query(`comment on column ${sql}.${name} is ${quoteLiteral(spec.comment)}`);
  const like = factsOf(table, spec.like ?? undefined);
  for (const { right, to, grantable } of like?.grants ?? []) {
    await client.query(`grant ${right} (${name}) on ${sql} to ${to}${grantable ? " with grant option" : ""}`);
  }
  if (like?.statistics !== undefined && like.statistics !== null) {
    await client.query(`alter table ${sql} alter column ${name} set statistics ${like.statistics}`);
  }
  column.physical = physical;
  column.spec = undefined;
}

async function defaultOf(
  context: StartContext,
  table: DraftTable,
  column: DraftColumn,
  spec: ColumnSpec,
  physical: string,
): Promise<string | null> {
  const { client, draft, schema } = context;
  const like = factsOf(table, spec.like ?? undefined);
  if (like !== undefined && like.sequence !== null) {
    // The older column goes on drawing for both, so that nobody draws twice.
    column.drawn = true;
    draft.completing.push(
      ...(like.identity === ""
        ? [
            { do: "own-sequence", sequence: like.sequence, relation: table.relation, column: physical } as const,
            { do: "set-default", relation: table.relation, column: physical, expression: like.default } as const,
          ]
        : [
            {
              do: "move-identity",
              relation: table.relation,
              from: like.name,
              to: physical,
              kind: like.identity === "a" ? "always" : "by default",
            } as const,
          ]),
    );
    return null;
  }
  if (!spec.serial) return spec.default;
  const usual = `${table.name}_${column.name}_seq`;
  const name = (await isFreeName(context, usual)) ? usual : passingName(draft, usual);
  const sequence = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  await client.query(`create sequence ${sequence} as ${spec.type}`);
  // Undone after the column, whose default needs it.
  draft.undoing.unshift({ do: "drop-sequence", sequence: name });
  draft.completing.push({ do: "own-sequence", sequence: name, relation: table.relation, column: physical });
  const next = `nextval(${quoteLiteral(sequence)}::regclass)`;
  if (column.up === undefined) {
    column.up = next;
    column.upIsDefault = true;
  }
  return next;
}
