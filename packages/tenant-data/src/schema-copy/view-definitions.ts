import { isNotDerived } from "../live-objects.ts";
import { type DefinitionQuery, keyOf, RELATIONS } from "./definition-query.ts";

/** Views, and what hangs on tables and views: rules, triggers, policies. */
export const VIEW_DEFINITIONS: readonly DefinitionQuery[] = [
  ...(["view", "materialized view"] as const).map((kind): DefinitionQuery => ({
    kind,
    about: kind,
    sql: `select ${keyOf("pg_class", "c.oid")} as key, format('create ${kind} %I%s%s as %s%s', c.relname,
         coalesce(' using ' || (select quote_ident(am.amname) from pg_am am where am.oid = c.relam
            and am.amname <> current_setting('default_table_access_method')), ''),
         coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''), rtrim(pg_get_viewdef(c.oid), ';'),
         case when c.relkind = 'm' and not c.relispopulated then ' with no data' else '' end) as statement
       from ${RELATIONS} where c.relkind = '${kind === "view" ? "v" : "m"}' order by c.oid`,
  })),
  {
    kind: "rule",
    about: "rule",
    sql: `select ${keyOf("pg_rewrite", "r.oid")} as key, pg_get_ruledef(r.oid, true) as statement
     from ${RELATIONS} join pg_rewrite r on r.ev_class = c.oid where r.rulename <> '_RETURN' order by r.oid`,
  },
  {
    kind: "setting",
    about: "rule",
    sql: `select null as key, format('alter table %I %s rule %I', c.relname, case r.ev_enabled when 'D' then 'disable'
         when 'A' then 'enable always' else 'enable replica' end, r.rulename) as statement
     from ${RELATIONS} join pg_rewrite r on r.ev_class = c.oid
     where r.rulename <> '_RETURN' and r.ev_enabled <> 'O' order by r.oid`,
  },
  {
    kind: "trigger",
    about: "trigger",
    sql: `select ${keyOf("pg_trigger", "t.oid")} as key, pg_get_triggerdef(t.oid, true) as statement
     from ${RELATIONS} join pg_trigger t on t.tgrelid = c.oid
     where not t.tgisinternal and t.tgparentid = 0 and ${isNotDerived("t.tgname")} order by t.oid`,
  },
  {
    // A partition's state of its parent's trigger may differ from the parent's.
    kind: "setting",
    about: "trigger",
    sql: `select null as key, format('alter table only %I %s trigger %I', c.relname, case t.tgenabled when 'D' then 'disable'
         when 'A' then 'enable always' else 'enable replica' end, t.tgname) as statement
     from ${RELATIONS} join pg_trigger t on t.tgrelid = c.oid
     where not t.tgisinternal and t.tgenabled <> 'O' and ${isNotDerived("t.tgname")} order by t.oid`,
  },
  {
    kind: "policy",
    about: "policy",
    sql: `select ${keyOf("pg_policy", "p.oid")} as key,
       concat_ws(' ', format('create policy %I on %I as %s for %s to %s', p.polname, c.relname,
         case when p.polpermissive then 'permissive' else 'restrictive' end,
         case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
           else 'all' end,
         (select string_agg(case r when 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ')
          from unnest(p.polroles) r)),
       'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
       'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') as statement
     from ${RELATIONS} join pg_policy p on p.polrelid = c.oid where ${isNotDerived("p.polname")} order by p.oid`,
  },
];
