import type { ClientBase } from "pg";
import { isNotDerived, isNotOfExtension } from "../live-objects.ts";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";
import type { Definition } from "./read-definitions.ts";

/**
 * Refuses what would be copied without an error and yet be wrong: text that PostgreSQL does not follow when a schema is
 * copied or renamed must not name the schema, an extension must be movable, and an index whole.
 *
 * @throws CopyUnsupportedError
 */
export async function assertCopyable(
  client: ClientBase,
  schema: string,
  definitions: readonly Definition[],
): Promise<void> {
  const { rows } = await client.query<{ reason: string }>(
    `select format('function %s names the schema in its text', p.oid::regprocedure) as reason
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = $1 and ${isNotDerived("p.proname")} and ${isNotOfExtension("pg_proc", "p.oid")}
       and position($1 in coalesce(p.prosrc, '') || coalesce(array_to_string(p.proconfig, ' '), '')) > 0
     union all
     select format('extension %I lives in it, and role %I can''t move it to another schema', e.extname, current_user)
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
  const name = schema.replaceAll(/[^\w]/g, "\\$&");
  const named = new RegExp(`(?<![\\w$])(?:"${name.replaceAll('\\"', '\\"\\"')}"|${name})\\s*\\.`, "u");
  for (const { kind, statement } of definitions) {
    if (kind === "comment" || kind === "function" || !named.test(statement)) continue;
    reasons.push(`"${statement.slice(0, 100)}" names the schema in a text, or an object that a system object hides`);
  }
  if (reasons.length > 0) throw new CopyUnsupportedError(schema, reasons);
}
