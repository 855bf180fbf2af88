import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier, quoteLiteral } from "../quote-identifier.ts";
import { OperationInvalidError } from "../operations/operation-invalid-error.ts";
import { carryDependents } from "./carry-dependents.ts";
import type { SchemaTask } from "./live-version.ts";

/** When several are done at once: what others depend on goes last. */
const RANKS: Readonly<Record<SchemaTask["do"], number>> = {
  "run-sql": 0,
  "create-index": 0,
  "add-foreign-key": 1,
  "validate-constraint": 2,
  "drop-constraint": 3,
  "set-not-null": 4,
  "move-identity": 5,
  "adopt-index": 6,
  "own-sequence": 6,
  "set-default": 7,
  "comment-column": 7,
  "replica-identity": 8,
  "drop-index": 9,
  "drop-column": 10,
  "drop-relation": 11,
  "drop-sequence": 12,
  "rename-constraint": 13,
  "rename-index": 13,
};

export function inOrder(tasks: readonly SchemaTask[]): SchemaTask[] {
  return tasks.toSorted((a, b) => RANKS[a.do] - RANKS[b.do]);
}

/** Does one task in the caller's transaction. What is done already, or gone, is left alone. */
export async function runTask(client: ClientBase, schema: string, task: SchemaTask): Promise<void> {
  const base = quoteIdentifier(schema);
  const on = (relation: string): string => `${base}.${quoteIdentifier(relation)}`;
  switch (task.do) {
    case "create-index":
      await client.query(
        `create ${task.unique ? "unique " : ""}index if not exists ${quoteIdentifier(task.index)} on ${on(task.relation)} ${task.definition}`,
      );
      return;
    case "validate-constraint":
      await client.query(`alter table ${on(task.relation)} validate constraint ${quoteIdentifier(task.constraint)}`);
      return;
    case "add-foreign-key":
      if (await hasConstraint(client, schema, task)) return;
      await client.query(
        `alter table ${on(task.relation)} add constraint ${quoteIdentifier(task.constraint)} ${task.definition} not valid`,
      );
      return;
    case "set-not-null":
      // The check that holds spares the server reading the table.
      await client.query(`alter table ${on(task.relation)} alter column ${quoteIdentifier(task.column)} set not null`);
      await client.query(`alter table ${on(task.relation)} drop constraint if exists ${quoteIdentifier(task.check)}`);
      return;
    case "adopt-index":
      if (await hasConstraint(client, schema, task)) return;
      await client.query(
        `alter table ${on(task.relation)} add constraint ${quoteIdentifier(task.constraint)} ` +
          `${task.primaryKey ? "primary key" : "unique"} using index ${quoteIdentifier(task.index)}${task.timing}`,
      );
      return;
    case "drop-constraint":
      await client.query(
        `alter table if exists ${on(task.relation)} drop constraint if exists ${quoteIdentifier(task.constraint)}`,
      );
      return;
    case "drop-index":
      await client.query(`drop index if exists ${base}.${quoteIdentifier(task.index)}`);
      return;
    case "drop-relation":
      await client.query(`drop table if exists ${on(task.relation)}`);
      return;
    case "drop-column":
      await carryDependents(client, schema, task);
      return;
    case "drop-sequence":
      await client.query(`drop sequence if exists ${base}.${quoteIdentifier(task.sequence)}`);
      return;
    case "set-default":
      await client.query(
        `alter table ${on(task.relation)} alter column ${quoteIdentifier(task.column)} ` +
          (task.expression === null ? "drop default" : `set default ${task.expression}`),
      );
      return;
    case "comment-column":
      await client.query(
        `comment on column ${on(task.relation)}.${quoteIdentifier(task.column)} is ${task.comment === null ? "null" : quoteLiteral(task.comment)}`,
      );
      return;
    case "move-identity":
      return moveIdentity(client, schema, task);
    case "own-sequence":
      await client.query(
        `alter sequence ${base}.${quoteIdentifier(task.sequence)} owned by ${on(task.relation)}.${quoteIdentifier(task.column)}`,
      );
      return;
    case "replica-identity": {
      const how = task.identity === "index" ? `using index ${quoteIdentifier(task.index ?? "")}` : task.identity;
      await client.query(`alter table ${on(task.relation)} replica identity ${how}`);
      return;
    }
    case "run-sql":
      return runAuthorsSql(client, task);
    case "rename-constraint":
      if (!(await hasConstraint(client, schema, { relation: task.relation, constraint: task.from }))) return;
      await client.query(
        `alter table ${on(task.relation)} rename constraint ${quoteIdentifier(task.from)} to ${quoteIdentifier(task.to)}`,
      );
      return;
    case "rename-index":
      await client.query(
        `alter index if exists ${base}.${quoteIdentifier(task.from)} rename to ${quoteIdentifier(task.to)}`,
      );
  }
}

async function hasConstraint(
  client: ClientBase,
  schema: string,
  { relation, constraint }: { relation: string; constraint: string },
): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and k.conname = $3`,
    [schema, relation, constraint],
  );
  return rowCount === 1;
}

async function runAuthorsSql(client: ClientBase, { sql, where }: { sql: string; where: string }): Promise<void> {
  await client.query(sql).catch((cause: unknown) => {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw new OperationInvalidError(where, `${cause.message} (SQLSTATE ${cause.code})`, {
      cause,
      sqlState: cause.code,
    });
  });
}

/** An identity column's sequence belongs to it; the column that takes over gets one like it, at the same place. */
async function moveIdentity(
  client: ClientBase,
  schema: string,
  { relation, from, to, kind }: { relation: string; from: string; to: string; kind: string },
): Promise<void> {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
  const { rows } = await client.query<{ name: string; options: string; sequence: string }>(
    `select s.relname as name, format('%I.%I', $1::text, s.relname) as sequence,
       format('increment by %s start with %s cache %s%s', q.seqincrement, q.seqstart, q.seqcache,
         case when q.seqcycle then ' cycle' else '' end) as options
     from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_sequence q on q.seqrelid = s.oid
     where d.classid = 'pg_class'::regclass and d.refobjid = $2::regclass and d.deptype = 'i'
       and d.refobjsubid = (select attnum from pg_attribute where attrelid = $2::regclass and attname = $3)`,
    [schema, table, from],
  );
  const [identity] = rows;
  if (identity === undefined) return;
  const { rows: positions } = await client.query<{ position: string; called: boolean }>(
    `select last_value::text as position, is_called as called from ${identity.sequence}`,
  );
  await client.query(`alter table ${table} alter column ${quoteIdentifier(to)} drop default`);
  await client.query(`alter table ${table} alter column ${quoteIdentifier(from)} drop identity`);
  await client.query(
    `alter table ${table} alter column ${quoteIdentifier(to)} add generated ${kind} as identity ` +
      `(sequence name ${identity.sequence} ${identity.options})`,
  );
  const [position] = positions;
  if (position === undefined) return;
  await client.query(`select setval(${quoteLiteral(identity.sequence)}::regclass, $1::bigint, $2)`, [
    position.position,
    position.called,
  ]);
}
