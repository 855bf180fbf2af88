import type { ClientBase } from "pg";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";
import { namingPattern } from "./move-names.ts";
import type { Definition } from "./read-definitions.ts";

/**
 * Refuses what would be copied without an error and yet be wrong: a definition must not name the schema where PostgreSQL
 * follows the name, an extension must be movable, and an index whole. The text of a function may name the schema: it is
 * the same when the copy has taken the schema's name, and nobody calls it before.
 *
 * @throws CopyUnsupportedError
 */
export async function assertCopyable(
  client: ClientBase,
  schema: string,
  definitions: readonly Definition[],
): Promise<void> {
  const { rows } = await client.query<{ reason: string }>(
    `select format('extension %I lives in it, and role %I can''t move it to another schema', e.extname, current_user)
       as reason
     from pg_extension e join pg_namespace n on n.oid = e.extnamespace where n.nspname = $1
       -- The objects of even a trusted extension are a superuser's.
       and not (e.extrelocatable and (select r.rolsuper from pg_roles r where r.rolname = current_user))
     union all
     select format('index %I is not valid, such as one that "create index concurrently" left behind: drop or reindex it',
       c.relname)
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and not i.indisvalid and c.relkind = 'i'`,
    [schema],
  );
  const reasons = rows.map(({ reason }) => reason);
  const named = namingPattern(schema);
  for (const { kind, statement } of definitions) {
    if (kind === "comment" || kind === "function" || !named.test(statement)) continue;
    reasons.push(`"${statement.slice(0, 100)}" names the schema in a text`);
  }
  if (reasons.length > 0) throw new CopyUnsupportedError(schema, reasons);
}
