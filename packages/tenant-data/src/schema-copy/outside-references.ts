import type { ClientBase } from "pg";
import { CopyUnsupportedError } from "./copy-unsupported-error.ts";

/** Objects of a schema: rows (class, oid), those of extensions left out. */
const membersOf = (schema: string): string => `
  select m.class, m.oid from pg_namespace ns cross join lateral (
    select 'pg_class'::regclass::oid as class, oid from pg_class where relnamespace = ns.oid
    union all select 'pg_type'::regclass, oid from pg_type where typnamespace = ns.oid
    union all select 'pg_proc'::regclass, oid from pg_proc where pronamespace = ns.oid
    union all select 'pg_constraint'::regclass, oid from pg_constraint where connamespace = ns.oid
    union all select 'pg_operator'::regclass, oid from pg_operator where oprnamespace = ns.oid
    union all select 'pg_opclass'::regclass, oid from pg_opclass where opcnamespace = ns.oid
    union all select 'pg_opfamily'::regclass, oid from pg_opfamily where opfnamespace = ns.oid
    union all select 'pg_collation'::regclass, oid from pg_collation where collnamespace = ns.oid
    union all select 'pg_conversion'::regclass, oid from pg_conversion where connamespace = ns.oid
    union all select 'pg_ts_config'::regclass, oid from pg_ts_config where cfgnamespace = ns.oid
    union all select 'pg_ts_dict'::regclass, oid from pg_ts_dict where dictnamespace = ns.oid
    union all select 'pg_statistic_ext'::regclass, oid from pg_statistic_ext where stxnamespace = ns.oid
    union all select 'pg_attrdef'::regclass, d.oid from pg_attrdef d join pg_class c on c.oid = d.adrelid
      where c.relnamespace = ns.oid
    union all select 'pg_rewrite'::regclass, r.oid from pg_rewrite r join pg_class c on c.oid = r.ev_class
      where c.relnamespace = ns.oid
    union all select 'pg_trigger'::regclass, t.oid from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = ns.oid
    union all select 'pg_policy'::regclass, p.oid from pg_policy p join pg_class c on c.oid = p.polrelid
      where c.relnamespace = ns.oid
  ) m where ns.nspname = ${schema} and not exists (select from pg_depend e
    where e.classid = m.class and e.objid = m.oid and e.deptype = 'e')`;

const nameOf = (class_: string, oid: string): string =>
  `(select i.type || ' ' || i.identity from pg_identify_object(${class_}, ${oid}, 0) i)`;

/** What is outside a schema and yet needs an object in it: it would stay with the old data when a copy takes its place. */
export async function outsideReferences(client: ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ reason: string }>(
    `with mine as materialized (${membersOf("$1")})
     select distinct ${nameOf("d.classid", "d.objid")} || ' needs ' || ${nameOf("d.refclassid", "d.refobjid")} as reason
     from mine m join pg_depend d on d.refclassid = m.class and d.refobjid = m.oid
     where d.deptype in ('n', 'a') and not exists (select from mine o where o.class = d.classid and o.oid = d.objid)
       and d.classid in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass,
         'pg_attrdef'::regclass, 'pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass,
         'pg_operator'::regclass, 'pg_event_trigger'::regclass)
       and not exists (select from pg_class t where d.classid = 'pg_class'::regclass and t.oid = d.objid
         and t.relnamespace = 'pg_toast'::regnamespace)
     order by 1`,
    [schema],
  );
  return rows.map(({ reason }) => reason);
}

/** @throws CopyUnsupportedError when an object of the copy needs one of the schema that it was made from */
export async function assertStandsAlone(
  client: ClientBase,
  { from, copy }: { from: string; copy: string },
): Promise<void> {
  const { rows } = await client.query<{ reason: string }>(
    `with source as materialized (${membersOf("$1")})
     select ${nameOf("d.classid", "d.objid")} || ' would need ' || ${nameOf("d.refclassid", "d.refobjid")} as reason
     from (${membersOf("$2")}) m join pg_depend d on d.classid = m.class and d.objid = m.oid
       join source s on s.class = d.refclassid and s.oid = d.refobjid order by 1`,
    [from, copy],
  );
  if (rows.length > 0)
    throw new CopyUnsupportedError(
      from,
      rows.map(({ reason }) => reason),
    );
}
