import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { isVolatileDefault } from "../operations/check-column.ts";
import { factsOf, invalid, isFreeName, relationSql, type StartContext } from "../operations/start-context.ts";
import { type ColumnSpec, type DraftColumn, type DraftTable, passingName } from "./draft.ts";

/** A table above this size is not written anew while nobody can use it. */
const SMALL_BYTES = 8 * 1_048_576;

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
  // A default that is the same for all rows costs nothing; any other is for rows to come. Where rows are filled otherwise
  // they have none until then, which tells those that are left.
  const direct =
    own !== null && column.replaces === undefined && column.up === undefined && !(await isVolatileDefault(own));
  await refuseRewrite(context, table, column.name, spec.type);
  const collation = spec.collation === null ? "" : ` collate ${spec.collation}`;
  const notNull = spec.notNull && direct;
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

/** A domain with constraints is the one kind of type for which the server writes all rows, whatever their value. */
async function refuseRewrite(context: StartContext, table: DraftTable, column: string, type: string): Promise<void> {
  if ((table.facts?.bytes ?? 0) <= SMALL_BYTES) return;
  const { rowCount } = await context.client.query(
    `with recursive types as (
       select t.* from pg_type t where t.oid = to_regtype($1)
       union all select b.* from types t join pg_type b on b.oid = t.typbasetype)
     select from types t where t.typtype = 'd'
       and (t.typnotnull or exists (select from pg_constraint k where k.contypid = t.oid)) limit 1`,
    [type],
  );
  if (rowCount === 0) return;
  throw invalid(
    context,
    `column "${column}" is of the domain ${type}, which has constraints: PostgreSQL would write the whole of "${table.name}" ` +
      "anew while nobody can use it. Give it the domain's base type and a check, or use an exclusive SQL migration.",
  );
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
