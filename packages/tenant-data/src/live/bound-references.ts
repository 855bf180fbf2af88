import type { ClientBase } from "pg";
import { OperationInvalidError } from "../operations/operation-invalid-error.ts";
import type { SchemaTask } from "./live-version.ts";
import type { VersionModel } from "./version-model.ts";

interface Reference {
  readonly relation: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly target: string;
  readonly index: string;
  /** The constraint that has the index. */
  readonly constraint: string | null;
}

/**
 * PostgreSQL binds a foreign key to one index when it is made, and does not let that one go although another is over the
 * same columns. Finds the foreign keys that a version keeps and whose index goes with the older versions.
 *
 * @param completing of all versions that are live, and of the one
 */
export async function boundReferences(
  client: ClientBase,
  schema: string,
  { where, model, completing }: { where: string; model: VersionModel; completing: readonly SchemaTask[] },
): Promise<OperationInvalidError[]> {
  const dropped = new Set(
    completing.flatMap((task) =>
      task.do === "drop-constraint"
        ? [JSON.stringify([task.relation, task.constraint])]
        : task.do === "drop-index"
          ? [task.index]
          : [],
    ),
  );
  if (dropped.size === 0) return [];
  const nameOf = (relation: string): string =>
    model.tables.find((table) => table.relation === relation)?.name ?? relation;
  const stays = ({ relation, name, columns }: Reference): boolean => {
    const table = model.tables.find((one) => one.relation === relation);
    if (table === undefined || dropped.has(JSON.stringify([relation, name]))) return false;
    return columns.every((column) => table.columns.some((one) => one.column === column));
  };
  const references = await readReferences(client, schema);
  return references
    .filter(
      ({ target, index, constraint }) =>
        dropped.has(index) || (constraint !== null && dropped.has(JSON.stringify([target, constraint]))),
    )
    .filter(stays)
    .map(({ relation, name, target, index }) => {
      const of = `of "${nameOf(target)}"`;
      return new OperationInvalidError(
        where,
        `"${name}" of table "${nameOf(relation)}" is bound to the index "${index}" ${of}, which the release drops or makes ` +
          `anew. PostgreSQL keeps it bound whatever other index is over the same columns: keep "${index}" and drop the ` +
          `other one, or drop "${name}" in the same release and declare it again in the next one.`,
      );
    });
}

async function readReferences(client: ClientBase, schema: string): Promise<Reference[]> {
  const { rows } = await client.query<Reference>(
    `select c.relname as relation, k.conname as name, f.relname as target, i.relname as index, o.conname as constraint,
       array(select a.attname::text from unnest(k.conkey) n join pg_attribute a on a.attrelid = c.oid and a.attnum = n)
         as columns
     from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_class f on f.oid = k.confrelid join pg_class i on i.oid = k.conindid
       left join pg_constraint o on o.conindid = i.oid and o.conrelid = f.oid and o.contype in ('p', 'u')
     where n.nspname = $1 and f.relnamespace = n.oid and k.contype = 'f' and k.conparentid = 0
     order by c.relname collate "C", k.conname collate "C"`,
    [schema],
  );
  return rows;
}
