import { EXTENSION_SCHEMA } from "@aibos/domain";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { Queryable } from "../roles/tenant-login.ts";
import { ExtensionUnavailableError } from "./extension-unavailable-error.ts";

/** Any constant that no other program is likely to use. */
const LOCK_KEY = 4_116_271_882;

export interface ExtensionWish {
  readonly name: string;
  /** Where it is asked for. */
  readonly file: string;
  readonly line: number;
  /** Whether its absence is an error. */
  readonly required: boolean;
}

/**
 * Has extensions in the schema that all tenants share. Those that PostgreSQL trusts are created; others must be there
 * already.
 *
 * @param platform a role that may create in the database; outside any transaction
 * @throws ExtensionUnavailableError that says what the operator has to run
 */
export async function ensureExtensions(platform: Queryable, wishes: readonly ExtensionWish[]): Promise<void> {
  const seen = new Set<string>();
  // Those that must be there first, as their absence is the clearer error.
  for (const wish of [...wishes].sort((a, b) => Number(b.required) - Number(a.required))) {
    if (seen.has(wish.name)) continue;
    seen.add(wish.name);
    const problem = await ensureExtension(platform, wish.name);
    if (problem !== undefined && wish.required) {
      throw new ExtensionUnavailableError(`${wish.file}:${wish.line}`, wish.name, problem);
    }
  }
}

/** Returns what is in the way. */
async function ensureExtension(platform: Queryable, name: string): Promise<string | undefined> {
  const { rows } = await platform.query<{
    known: boolean;
    trusted: boolean;
    schema: string | null;
    schemaThere: boolean;
    maker: boolean;
    superuser: boolean;
    database: string;
  }>(
    `select exists (select from pg_available_extensions where name = $1) as known,
       exists (select from pg_available_extension_versions where name = $1 and trusted) as trusted,
       (select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = $1) as schema,
       to_regnamespace('${EXTENSION_SCHEMA}') is not null as "schemaThere",
       has_database_privilege(current_database(), 'create') as maker,
       (select rolsuper from pg_roles where rolname = current_user) as superuser,
       current_database() as database`,
    [name],
  );
  const [facts] = rows;
  if (facts === undefined || facts.schema === EXTENSION_SCHEMA || facts.schema === "pg_catalog") return undefined;
  const extension = `"${name.replaceAll('"', '""')}"`;
  if (facts.schema !== null) {
    return (
      `which is in schema "${facts.schema}" of database "${facts.database}", where tenants' data does not look. ` +
      `The operator runs there: create schema if not exists ${EXTENSION_SCHEMA}; grant usage on schema ` +
      `${EXTENSION_SCHEMA} to public; alter extension ${extension} set schema ${EXTENSION_SCHEMA}`
    );
  }
  if (!facts.known) return "which is not installed on the server. The operator installs its package there first";
  if (!facts.superuser && (!facts.trusted || !facts.maker)) {
    return (
      `which only ${facts.trusted ? "a role that may create in the database" : "a superuser"} can create. The ` +
      `operator runs in database "${facts.database}": create schema if not exists ${EXTENSION_SCHEMA}; grant usage ` +
      `on schema ${EXTENSION_SCHEMA} to public; create extension ${extension} schema ${EXTENSION_SCHEMA} cascade`
    );
  }
  // Several statements at once are one transaction, on a pool's connection too. Others may be at the same.
  await platform.query(
    `select pg_advisory_xact_lock(${LOCK_KEY}); create schema if not exists ${EXTENSION_SCHEMA};
     grant usage on schema ${EXTENSION_SCHEMA} to public;
     create extension if not exists ${quoteIdentifier(name)} schema ${EXTENSION_SCHEMA} cascade`,
  );
  return undefined;
}

/**
 * Names of all objects that came with extensions and that a schema has nothing of the same name as, with the schema
 * where each is.
 */
export async function readExtensionNames(client: Queryable, schema: string): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; schema: string }>(
    `with named as (
       select oid, 'pg_proc'::regclass as catalog, proname as name, pronamespace as namespace from pg_proc
       union all select oid, 'pg_type'::regclass, typname, typnamespace from pg_type
       union all select oid, 'pg_class'::regclass, relname, relnamespace from pg_class
       union all select oid, 'pg_operator'::regclass, oprname, oprnamespace from pg_operator
       union all select oid, 'pg_opclass'::regclass, opcname, opcnamespace from pg_opclass
       union all select oid, 'pg_opfamily'::regclass, opfname, opfnamespace from pg_opfamily
       union all select oid, 'pg_collation'::regclass, collname, collnamespace from pg_collation
       union all select oid, 'pg_ts_dict'::regclass, dictname, dictnamespace from pg_ts_dict
       union all select oid, 'pg_ts_template'::regclass, tmplname, tmplnamespace from pg_ts_template
       union all select oid, 'pg_ts_config'::regclass, cfgname, cfgnamespace from pg_ts_config)
     select distinct m.name::text as name, n.nspname as schema
     from named m join pg_depend d on d.classid = m.catalog and d.objid = m.oid and d.deptype = 'e'
       join pg_namespace n on n.oid = m.namespace
     where n.nspname not in ('pg_catalog', $1)
       and m.name not in (select t.name from named t join pg_namespace s on s.oid = t.namespace where s.nspname = $1)`,
    [schema],
  );
  return new Map(rows.map(({ name, schema: of }) => [name, of]));
}
