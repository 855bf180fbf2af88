import type { ClientBase } from "pg";
import { createHash } from "node:crypto";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { columnsOf, parseExpression, rewriteExpression } from "./expression.ts";
import type { Conversion, LiveVersion } from "./live-version.ts";
import { type TableModel, type VersionModel } from "./version-model.ts";
import { viewSchemaName } from "./version-views.ts";

// While several versions are live, a trigger on each table where they differ fills the other versions' columns from those
// that the writer sees: version by version, up and down. The writer says in the setting `aibos.version` which version it
// is; whoever does not is refused. A column is filled only when what it is made from changed, so that a value which
// another version can't express is kept while nobody changes it.

/** The setting that tells the writer's version. */
export const VERSION_SETTING = "aibos.version";
/** The setting under which rows that were there are filled for a version. */
export const BACKFILL_SETTING = "aibos.backfill";

/** Before all other triggers, whose functions then see whole rows, and after them, since they may change rows. */
const FIRST = "!aibos_sync";
const LAST = "~aibos_sync";

/** Names in the schema that an expression may mean without saying so. */
export interface SchemaNames {
  readonly functions: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
}

export async function readSchemaNames(client: ClientBase, schema: string): Promise<SchemaNames> {
  const { rows } = await client.query<{ kind: string; name: string }>(
    `select 'function' as kind, p.proname::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = $1
     union select 'type', t.typname::text from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname = $1`,
    [schema],
  );
  const of = (kind: string): Set<string> => new Set(rows.filter((row) => row.kind === kind).map((row) => row.name));
  return { functions: of("function"), types: of("type") };
}

/** Puts the triggers of a schema in place for the versions that are live; with one there is none. */
export async function replaceTriggers(
  client: ClientBase,
  schema: string,
  versions: readonly LiveVersion[],
): Promise<void> {
  for (const statement of await triggerStatements(client, schema, versions)) await client.query(statement);
}

/** What puts the triggers in place, as the tables are now. */
export async function triggerStatements(
  client: ClientBase,
  schema: string,
  versions: readonly LiveVersion[],
): Promise<string[]> {
  const names = await readSchemaNames(client, schema);
  const relations = new Set(
    versions.flatMap(({ links }) =>
      links.filter(({ up, down }) => up.length > 0 || down.length > 0).map(({ relation }) => relation),
    ),
  );
  const wanted = new Map<string, string>();
  if (versions.length > 1) {
    for (const relation of relations) {
      const amongOthers = await hasBeforeTriggers(client, schema, relation);
      wanted.set(relation, await functionBody({ schema, relation, versions, names, amongOthers }));
    }
  }
  const { rows: present } = await client.query<{ relation: string; trigger: string; function: string }>(
    `select c.relname as relation, g.tgname as trigger, p.proname as function
     from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_proc p on p.oid = g.tgfoid
     where n.nspname = $1 and p.proname like 'aibos\\_sync%' and not g.tgisinternal and g.tgparentid = 0`,
    [schema],
  );
  const statements: string[] = [];
  for (const { relation, trigger, function: name } of present) {
    if (wanted.has(relation)) continue;
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
    statements.push(
      `drop trigger if exists ${quoteIdentifier(trigger)} on ${table}`,
      `drop function if exists ${quoteIdentifier(schema)}.${quoteIdentifier(name)}() cascade`,
    );
  }
  for (const [relation, body] of wanted) {
    const name = `${quoteIdentifier(schema)}.${quoteIdentifier(functionName(relation))}`;
    const tag = dollarTag(body);
    statements.push(`create or replace function ${name}() returns trigger language plpgsql as ${tag}${body}${tag}`);
    const there = new Set(present.filter((row) => row.relation === relation).map((row) => row.trigger));
    const needed = (await hasBeforeTriggers(client, schema, relation)) ? [FIRST, LAST] : [FIRST];
    for (const trigger of [FIRST, LAST]) {
      const table = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
      if (there.has(trigger) === needed.includes(trigger)) continue;
      statements.push(
        needed.includes(trigger)
          ? `create trigger ${quoteIdentifier(trigger)} before insert or update on ${table} for each row execute function ${name}()`
          : `drop trigger ${quoteIdentifier(trigger)} on ${table}`,
      );
    }
  }
  return statements;
}

function functionName(relation: string): string {
  return `aibos_sync_${createHash("sha256").update(relation).digest("hex").slice(0, 16)}`;
}

/** A partition may have triggers that the table itself has not. */
async function hasBeforeTriggers(client: ClientBase, schema: string, relation: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
       cross join lateral (select c.oid as relid union select t.relid from pg_partition_tree(c.oid) t) as part
       join pg_trigger g on g.tgrelid = part.relid join pg_proc p on p.oid = g.tgfoid
     where n.nspname = $1 and c.relname = $2 and not g.tgisinternal and g.tgtype & 3 = 3
       and p.proname not like 'aibos\\_sync%' limit 1`,
    [schema, relation],
  );
  return rowCount === 1;
}

interface Writing {
  readonly schema: string;
  readonly relation: string;
  readonly versions: readonly LiveVersion[];
  readonly names: SchemaNames;
  /** The table has BEFORE triggers of its own. */
  readonly amongOthers: boolean;
}

async function functionBody(writing: Writing): Promise<string> {
  const { relation, versions, amongOthers } = writing;
  const active = versions.filter(({ phase }) => phase === "active");
  const branches: string[] = [];
  for (const writer of active) {
    if (!writer.model.tables.some((table) => table.relation === relation)) continue;
    const lines = await assignmentsFor(writing, writer);
    branches.push(
      `${branches.length === 0 ? "if" : "elsif"} writer = ${quoteLiteral(writer.version)} then\n${lines.join("\n") || "    null;"}`,
    );
  }
  const known = active.map(({ version }) => version).join(", ");
  const backfills: string[] = [];
  for (const version of versions.filter(({ phase }) => phase === "expanding")) {
    const older = versions.find(({ position }) => position === version.position - 1);
    const link = version.links.find((one) => one.relation === relation);
    if (older === undefined || link === undefined) continue;
    const lines = await assignments(writing, older, link.up, link.before, { always: true });
    // Other triggers ran for this update too; what they did to the row is not wanted.
    backfills.push(
      `  if tg_op = 'UPDATE' and current_setting('${BACKFILL_SETTING}', true) = ${quoteLiteral(version.version)} then\n` +
        `${amongOthers ? "    new := old;\n" : ""}${lines.join("\n")}\n    return new;\n  end if;`,
    );
  }
  return `
declare
  writer text;
begin
${backfills.join("\n")}
  writer := current_setting('${VERSION_SETTING}', true);
  ${branches.join("\n  ")}
  else
    raise exception using errcode = 'object_not_in_prerequisite_state',
      message = format('%I is shared by versions %s, and who writes did not say which one it is (aibos.version is %L).',
        tg_table_name, ${quoteLiteral(known)}, writer),
      hint = 'Write in a transaction with "set local aibos.version", as the module kit does.';
  end if;
  return new;
end `;
}

/** From the writer's version down to the oldest, and up to the newest. */
async function assignmentsFor(writing: Writing, writer: LiveVersion): Promise<string[]> {
  const { relation, versions } = writing;
  const lines = await drawnValues(writing, writer);
  for (let at = writer.position; ; at -= 1) {
    const newer = versions.find(({ position }) => position === at);
    const older = versions.find(({ position }) => position === at - 1);
    const link = newer?.links.find((one) => one.relation === relation);
    if (newer === undefined || older === undefined || link === undefined) break;
    lines.push(...(await assignments(writing, newer, link.down, link.after)));
  }
  for (let at = writer.position + 1; ; at += 1) {
    const newer = versions.find(({ position }) => position === at);
    const older = versions.find(({ position }) => position === at - 1);
    const link = newer?.links.find((one) => one.relation === relation);
    if (newer === undefined || older === undefined || link === undefined) break;
    // Nobody writes through a version on its way: its columns are what they are made from, in rows not yet filled too.
    const always = newer.phase === "expanding";
    lines.push(...(await assignments(writing, older, link.up, link.before, { always, ofWriter: true })));
  }
  return lines;
}

/** Keys that the oldest version's column drew, brought up to the writer's version where it gave none. */
async function drawnValues({ schema, relation, versions, names }: Writing, writer: LiveVersion): Promise<string[]> {
  const lines: string[] = [];
  for (const newer of versions.filter(({ position }) => position > 0 && position <= writer.position)) {
    const older = versions.find(({ position }) => position === newer.position - 1);
    const table = older?.model.tables.find((one) => one.relation === relation);
    const link = newer.links.find((one) => one.relation === relation);
    if (older === undefined || table === undefined) continue;
    for (const { column, expression, drawn } of link?.up ?? []) {
      if (drawn !== true) continue;
      const place = { schema, model: older.model, version: older.version, table, names };
      const name = `new.${quoteIdentifier(column)}`;
      const { sql } = await readConversion(place, expression, "new");
      lines.push(`    if tg_op = 'INSERT' and ${name} is null then\n      ${name} := ${sql};\n    end if;`);
    }
  }
  return lines;
}

/** Fills columns from expressions over the names of `source`, which calls the table `name`. */
async function assignments(
  { schema, relation, names }: Writing,
  source: LiveVersion,
  conversions: readonly Conversion[],
  name: string | undefined,
  { always = false, ofWriter = false } = {},
): Promise<string[]> {
  const table = source.model.tables.find((one) => one.relation === relation);
  if (table === undefined || name === undefined) return [];
  const lines: string[] = [];
  for (const { column, expression, onlyOldRows } of conversions) {
    if (onlyOldRows === true && !always) continue;
    const read = await readConversion(
      { schema, model: source.model, version: source.version, table, names },
      expression,
      "new",
    );
    const own = `new.${quoteIdentifier(column)}`;
    const fill = `${own} := ${read.sql};`;
    if (onlyOldRows === true && ofWriter) {
      lines.push(`    if tg_op = 'UPDATE' and ${own} is null then\n      ${fill}\n    end if;`);
      continue;
    }
    const changed = read.columns
      .map((one) => `new.${quoteIdentifier(one)} is distinct from old.${quoteIdentifier(one)}`)
      .join(" or ");
    lines.push(
      always
        ? `    ${fill}`
        : `    if tg_op = 'INSERT'${changed === "" ? "" : ` or ${changed}`} then\n      ${fill}\n    end if;`,
    );
  }
  return lines;
}

/**
 * A conversion's expression with the table's columns in place of the version's names, as fields of `row`, and everything
 * else that it names found whatever the search path is.
 */
export async function readConversion(
  place: {
    schema: string;
    version: string;
    model: VersionModel;
    table: TableModel;
    names: SchemaNames;
    /** Schema of the tables that expressions read, when it is not that of the version's views. */
    relations?: string;
  },
  expression: string,
  row: string,
): Promise<{ sql: string; columns: string[] }> {
  const { schema, version, model, table, names } = place;
  const parsed = await parseExpression(expression, table.name);
  const columns = new Map(table.columns.map((column) => [column.name, column.column]));
  const views = quoteIdentifier(place.relations ?? viewSchemaName(schema, version));
  const base = quoteIdentifier(schema);
  const sql = rewriteExpression(parsed, ({ kind, name }) => {
    switch (kind) {
      case "column": {
        const column = columns.get(name);
        return column === undefined ? undefined : `${row}.${quoteIdentifier(column)}`;
      }
      case "relation":
        return model.tables.some((one) => one.name === name) ? `${views}.${quoteIdentifier(name)}` : undefined;
      case "function":
        return names.functions.has(name) ? `${base}.${quoteIdentifier(name)}` : undefined;
      case "type":
        return names.types.has(name) ? `${base}.${quoteIdentifier(name)}` : undefined;
    }
  });
  // On one line of its own: a comment at the end must not swallow what follows.
  return {
    sql: `(${sql}\n)`,
    columns: columnsOf(parsed).flatMap((name) => {
      const column = columns.get(name);
      return column === undefined ? [] : [column];
    }),
  };
}

function dollarTag(body: string): string {
  for (let number = 0; ; number += 1) {
    const tag = `$aibos${number}$`;
    if (!body.includes(tag)) return tag;
  }
}
