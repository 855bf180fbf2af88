import type { ClientBase } from "pg";

/** A column as the catalog has it. */
export interface ColumnFacts {
  readonly name: string;
  readonly type: string;
  /** With its schema, quoted; null for the type's own. */
  readonly collation: string | null;
  readonly notNull: boolean;
  readonly default: string | null;
  /** `a` always, `d` by default, empty for none. */
  readonly identity: string;
  /** `s` stored, `v` virtual, empty for none. */
  readonly generated: string;
  /** The sequence of an identity column, or one that the column owns. */
  readonly sequence: string | null;
  readonly comment: string | null;
  /** Rights on the column alone: `select`, to whom (quoted), and whether it may be passed on. */
  readonly grants: readonly { readonly right: string; readonly to: string; readonly grantable: boolean }[];
  readonly statistics: number | null;
}

export interface ConstraintFacts {
  readonly name: string;
  /** `c` check, `u` unique, `p` primary key, `f` foreign key, `x` exclusion. */
  readonly type: string;
  readonly columns: readonly string[];
  /** As PostgreSQL writes it, without the name. */
  readonly definition: string;
  /** The condition of a check. */
  readonly condition: string | null;
  readonly validated: boolean;
  readonly noInherit: boolean;
  readonly deferrable: boolean;
  readonly deferred: boolean;
  readonly comment: string | null;
  /** Of a foreign key. */
  readonly foreign: {
    readonly relation: string;
    /** Quoted; the table's own schema, or another. */
    readonly schema: string;
    readonly columns: readonly string[];
    /** ` on update cascade` and so on, as SQL. */
    readonly actions: string;
    readonly setColumns: readonly string[];
  } | null;
}

export interface IndexFacts {
  readonly name: string;
  readonly unique: boolean;
  readonly method: string;
  readonly nullsNotDistinct: boolean;
  /** Key columns in order. `text` is a column's quoted name or an expression in parentheses; `column` its name. */
  readonly keys: readonly { readonly column: string | null; readonly text: string; readonly options: string }[];
  readonly include: readonly string[];
  /** Columns in its expressions and its predicate. */
  readonly mentions: readonly string[];
  readonly predicate: string | null;
  readonly storage: readonly string[];
  /** The constraint that it serves. */
  readonly constraint: string | null;
  readonly comment: string | null;
  readonly replicaIdentity: boolean;
}

/** What the catalog says of a table. */
export interface RelationFacts {
  readonly relation: string;
  readonly partitioned: boolean;
  /** Tables that inherit from it otherwise. */
  readonly inherited: boolean;
  readonly forcedRowSecurity: boolean;
  readonly restrictivePolicies: boolean;
  readonly bytes: number;
  readonly columns: readonly ColumnFacts[];
  readonly constraints: readonly ConstraintFacts[];
  readonly indexes: readonly IndexFacts[];
}

/** Reads a table of a schema; undefined when there is none of the name. */
export async function readRelation(
  client: ClientBase,
  schema: string,
  relation: string,
): Promise<RelationFacts | undefined> {
  const { rows } = await client.query<{ facts: RelationFacts }>(QUERY, [schema, relation]);
  return rows[0]?.facts;
}

const COLUMNS_OF = (numbers: string, relation: string): string =>
  `(select coalesce(jsonb_agg(a.attname order by listed.position), '[]')
     from unnest(${numbers}) with ordinality listed (number, position)
       join pg_attribute a on a.attrelid = ${relation} and a.attnum = listed.number)`;

const ACTION = (letter: string): string =>
  `case ${letter} when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default' end`;

const QUERY = `
select jsonb_build_object(
  'relation', c.relname, 'partitioned', c.relkind = 'p',
  'inherited', c.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = c.oid),
  'forcedRowSecurity', c.relforcerowsecurity and c.relrowsecurity,
  'restrictivePolicies', exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive),
  'bytes', (select coalesce(sum(pg_table_size(t.relid)), 0) from pg_partition_tree(c.oid) t) + case c.relkind when 'r' then pg_table_size(c.oid) else 0 end,
  'columns', (select coalesce(jsonb_agg(jsonb_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
      'collation', case when a.attcollation <> t.typcollation then format('%I.%I', cn.nspname, co.collname) end,
      'notNull', a.attnotnull, 'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
      'identity', a.attidentity, 'generated', a.attgenerated,
      'sequence', (select s.relname from pg_depend p join pg_class s on s.oid = p.objid and s.relkind = 'S'
        where p.classid = 'pg_class'::regclass and p.refobjid = c.oid and p.refobjsubid = a.attnum
          and p.deptype in ('a', 'i') limit 1),
      'comment', col_description(c.oid, a.attnum),
      'grants', (select coalesce(jsonb_agg(jsonb_build_object('right', lower(x.privilege_type),
          'to', case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end,
          'grantable', x.is_grantable)), '[]') from aclexplode(a.attacl) x),
      'statistics', nullif(a.attstattarget, -1)) order by a.attnum), '[]')
    from pg_attribute a join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      left join pg_collation co on co.oid = a.attcollation left join pg_namespace cn on cn.oid = co.collnamespace
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
  'constraints', (select coalesce(jsonb_agg(jsonb_build_object(
      'name', k.conname, 'type', k.contype, 'columns', ${COLUMNS_OF("k.conkey", "k.conrelid")},
      'definition', pg_get_constraintdef(k.oid), 'condition', pg_get_expr(k.conbin, k.conrelid),
      'validated', k.convalidated, 'noInherit', k.connoinherit, 'deferrable', k.condeferrable,
      'deferred', k.condeferred, 'comment', obj_description(k.oid, 'pg_constraint'),
      'foreign', case when k.contype = 'f' then (select jsonb_build_object(
          'relation', fc.relname, 'schema', quote_ident(fn.nspname),
          'columns', ${COLUMNS_OF("k.confkey", "k.confrelid")},
          'actions', concat(case k.confmatchtype when 'f' then ' match full' end,
            ' on update ' || ${ACTION("k.confupdtype")}, ' on delete ' || ${ACTION("k.confdeltype")}),
          'setColumns', ${COLUMNS_OF("coalesce(k.confdelsetcols, '{}')", "k.conrelid")})
        from pg_class fc join pg_namespace fn on fn.oid = fc.relnamespace where fc.oid = k.confrelid) end)
      order by k.conname), '[]')
    from pg_constraint k where k.conrelid = c.oid and k.contype in ('c', 'u', 'p', 'f', 'x') and k.conparentid = 0),
  'indexes', (select coalesce(jsonb_agg(jsonb_build_object(
      'name', ic.relname, 'unique', i.indisunique, 'method', am.amname,
      'nullsNotDistinct', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
      'keys', (select jsonb_agg(jsonb_build_object('column', a.attname,
            'text', case when a.attname is null then '(' || pg_get_indexdef(ic.oid, k.position::int, false) || ')'
              else quote_ident(a.attname) end,
            'options', concat(
              (select format(' collate %I.%I', xn.nspname, xc.collname) from pg_collation xc
                 join pg_namespace xn on xn.oid = xc.collnamespace
               where xc.oid = i.indcollation[k.position - 1] and xc.oid is distinct from a.attcollation),
              (select format(' %I.%I', on_.nspname, oc.opcname) from pg_opclass oc
                 join pg_namespace on_ on on_.oid = oc.opcnamespace
               where oc.oid = i.indclass[k.position - 1] and not oc.opcdefault),
              case when i.indoption[k.position - 1] & 1 = 1 then ' desc' end,
              case when i.indoption[k.position - 1] & 3 = 1 then ' nulls last'
                when i.indoption[k.position - 1] & 3 = 2 then ' nulls first' end)) order by k.position)
          from unnest(i.indkey) with ordinality k (number, position)
            left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number and k.number > 0
          where k.position <= i.indnkeyatts),
      'include', (select coalesce(jsonb_agg(a.attname order by k.position), '[]')
          from unnest(i.indkey) with ordinality k (number, position)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number where k.position > i.indnkeyatts),
      'mentions', (select coalesce(jsonb_agg(distinct a.attname), '[]') from pg_depend d
          join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = ic.oid and d.refobjid = c.oid and d.refobjsubid > 0),
      'predicate', pg_get_expr(i.indpred, i.indrelid), 'storage', coalesce(to_jsonb(ic.reloptions), '[]'),
      'constraint', (select k.conname from pg_constraint k where k.conindid = ic.oid and k.conrelid = c.oid
         and k.contype in ('u', 'p', 'x')),
      'comment', obj_description(ic.oid, 'pg_class'), 'replicaIdentity', i.indisreplident) order by ic.relname), '[]')
    from pg_index i join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam
    where i.indrelid = c.oid)
) as facts
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')`;
