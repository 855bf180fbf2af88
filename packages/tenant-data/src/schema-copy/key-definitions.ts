import { type DefinitionQuery, keyOf, RELATIONS, withoutSchema } from "./definition-query.ts";

const CONSTRAINTS = `${RELATIONS} join pg_constraint k on k.conrelid = c.oid`;

/**
 * Constraints and indexes. Those that partitions have from a parent are made under their own names, then attached to the
 * parent's: PostgreSQL would choose other names.
 */
export const KEY_DEFINITIONS: readonly DefinitionQuery[] = [
  {
    kind: "key",
    sql: `select ${keyOf("pg_constraint", "k.oid")} as key, format('alter table only %I add constraint %I %s', c.relname,
       k.conname, pg_get_constraintdef(k.oid)) as statement
     from ${CONSTRAINTS} where k.contype in ('p', 'u', 'x')
     order by array_position(array['p', 'u', 'x'], k.contype::text), c.relispartition, k.oid`,
  },
  {
    kind: "check",
    sql: `select ${keyOf("pg_constraint", "k.oid")} as key, format('alter table %I add constraint %I %s', c.relname, k.conname,
       pg_get_constraintdef(k.oid)) as statement
     from ${CONSTRAINTS} where (k.contype = 'c' or (k.contype = 'n' and not k.convalidated)) and k.conislocal
     order by c.relispartition, k.oid`,
  },
  {
    // What a child has from its parents is as valid as theirs, unless it was made or validated later.
    kind: "validation",
    about: "family",
    sql: `select null as key, format('alter table %I validate constraint %I', c.relname, k.conname) as statement
     from ${CONSTRAINTS} where k.contype in ('c', 'n') and not k.conislocal and k.convalidated
       and exists (select from pg_inherits i join pg_constraint p on p.conrelid = i.inhparent and p.contype = k.contype
         and p.conname = k.conname where i.inhrelid = c.oid and not p.convalidated) order by c.oid`,
  },
  {
    kind: "check",
    about: "type",
    sql: `select ${keyOf("pg_constraint", "k.oid")} as key, format('alter domain %I add constraint %I %s', t.typname,
       k.conname, pg_get_constraintdef(k.oid)) as statement
     from pg_constraint k join pg_type t on t.oid = k.contypid join pg_namespace n on n.oid = k.connamespace
     where n.nspname = $1 and not k.convalidated order by k.oid`,
  },
  {
    // A partition's own name for its parent's foreign key comes first: the parent's then takes it as its part.
    kind: "foreign key",
    about: "foreign key",
    sql: `select ${keyOf("pg_constraint", "k.oid")} as key, format('alter table %I add constraint %I %s', c.relname,
       k.conname, pg_get_constraintdef(k.oid)) as statement
     from ${CONSTRAINTS} left join pg_constraint pk on pk.oid = k.conparentid
     where k.contype = 'f' and (k.conparentid = 0 or (pk.conrelid <> k.conrelid and pk.conname <> k.conname))
     order by k.conparentid = 0, k.oid`,
  },
  {
    kind: "index",
    sql: `select ${keyOf("pg_class", "c.oid")} as key, pg_get_indexdef(c.oid, 0, true) as statement
     from ${RELATIONS} join pg_index i on i.indexrelid = c.oid join pg_class r on r.oid = i.indrelid
     where r.relkind in ('r', 'p') and not exists (select from pg_constraint k
         where k.conindid = c.oid and k.contype in ('p', 'u', 'x')) order by c.oid`,
  },
  {
    kind: "index attachment",
    about: "family",
    sql: `select null as key, format('alter index %s attach partition %I', i.inhparent::regclass, c.relname) as statement
     from ${RELATIONS} join pg_inherits i on i.inhrelid = c.oid where c.relkind in ('i', 'I')
     order by c.relkind = 'I', c.oid desc`,
  },
  {
    kind: "materialized view index",
    about: "materialized view",
    sql: `select ${keyOf("pg_class", "c.oid")} as key, pg_get_indexdef(c.oid, 0, true) as statement
     from ${RELATIONS} join pg_index i on i.indexrelid = c.oid join pg_class r on r.oid = i.indrelid
     where r.relkind = 'm' order by c.oid`,
  },
  {
    kind: "statistics",
    about: "statistics",
    sql: `select ${keyOf("pg_statistic_ext", "s.oid")} as key,
       ${withoutSchema("pg_get_statisticsobjdef(s.oid)", "CREATE STATISTICS ")} as statement
     from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where n.nspname = $1 order by s.oid`,
  },
];
