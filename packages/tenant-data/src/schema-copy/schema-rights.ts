import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";

/**
 * A schema's owner, and the statements that make another of the same owner, rights and comment; and those that give it
 * the default rights, which must come when nothing more is made in it.
 *
 * @throws CopyUnsupportedError when there is no such schema
 */
export async function schemaDefinitions(
  client: ClientBase,
  { from, to }: { from: string; to: string },
): Promise<{ owner: string; schema: string[]; defaults: string[] }> {
  const target = quoteIdentifier(to);
  const { rows } = await client.query<{
    owner: string;
    statements: (string | null)[];
    defaults: string[];
  }>(
    `select pg_get_userbyid(n.nspowner) as owner, array[format('create schema %s authorization %I', $2::text,
         pg_get_userbyid(n.nspowner)),
       case when n.nspacl is not null then format('revoke all on schema %s from public', $2::text) end,
       'comment on schema ' || $2::text || ' is ' || quote_literal(obj_description(n.oid, 'pg_namespace'))]
       || array(select format('grant %s on schema %s to %s%s', a.privilege_type, $2::text,
           case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
           case when a.is_grantable then ' with grant option' else '' end)
         from aclexplode(n.nspacl) a where a.grantee <> n.nspowner) as statements,
       array(select format('alter default privileges for role %I in schema %s grant %s on %s to %s%s',
           pg_get_userbyid(d.defaclrole), $2::text, a.privilege_type,
           case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
             when 'T' then 'types' else 'schemas' end,
           case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
           case when a.is_grantable then ' with grant option' else '' end)
         from pg_default_acl d cross join lateral aclexplode(d.defaclacl) a where d.defaclnamespace = n.oid)
       as defaults
     from pg_namespace n where n.nspname = $1`,
    [from, target],
  );
  const [row] = rows;
  if (row === undefined) throw new CopyUnsupportedError(from, ["there is no such schema"]);
  const { owner, statements, defaults } = row;
  return { owner, schema: statements.filter((statement) => statement !== null), defaults };
}
