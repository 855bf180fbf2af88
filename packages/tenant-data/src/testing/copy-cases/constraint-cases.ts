import type { CopyCase } from "./copy-case.ts";

export const CONSTRAINT_CASES: readonly CopyCase[] = [
  {
    name: "indexes of every kind",
    given: `create function half(n int) returns int language sql immutable as $$ select n / 2 $$;
      create table t (a int, b text, c int[], d point, e tsvector);
      create index i1 on t (a desc nulls last, b collate "C" text_pattern_ops) include (d);
      create unique index i2 on t (a) nulls not distinct where b is not null;
      create index i3 on t using gin (c); create index i4 on t using gist (d); create index i5 on t using brin (a) with (pages_per_range = 8);
      create index i6 on t using hash (b); create index i7 on t using spgist (d); create index i8 on t (half(a), (b || 'x'));
      create index i9 on t (b) where b = ' t__acme__books is a text'; insert into t values (1, 'a', '{1}', '(1,2)')`,
    refuses: ["insert into t (a, b) values (1, 'z')", /i2/],
  },
  {
    name: "keys that are deferrable, include columns, take nulls for equal, or exclude",
    given: `create table t (a int primary key deferrable initially deferred, b int unique nulls not distinct, c int,
        constraint inc unique (a, b) include (c), r int4range, s int,
        constraint no_overlap exclude using gist (r with &&) where (s > 0) deferrable);
      create unique index later on t (c); alter table t add constraint later_key unique using index later;
      insert into t values (1, null, 1, '[1,3)', 1)`,
    refuses: ["insert into t values (2, null, 5)", /t_b_key/],
  },
  {
    name: "temporal keys",
    given: `create extension if not exists btree_gist schema public;
      create table p (id int, v daterange, primary key (id, v without overlaps));
      create table c (id int, v daterange, foreign key (id, period v) references p (id, period v));
      insert into p values (1, '[2020-01-01,2021-01-01)'); insert into c values (1, '[2020-02-01,2020-03-01)')`,
    refuses: ["insert into p values (1, '[2020-06-01,2022-01-01)')", /p_pkey/],
  },
  {
    name: "foreign keys: to itself, in a circle, deferrable, with every action, not valid",
    given: `create table a (id int primary key, up int references a, b int); create table b (id int primary key, a int references a deferrable initially deferred);
      alter table a add constraint to_b foreign key (b) references b match full on update cascade on delete set null;
      create table m (x int, y int, unique (x, y)); create table n (x int default 1, y int, foreign key (x, y) references m (x, y) on delete set default (x));
      create unique index ax on a (up); create table q (u int references a (up));
      insert into a values (1, null, null); insert into b values (1, 1); insert into a values (2, 1, 1);
      create table bad (r int); insert into bad values (99); alter table bad add constraint bad_fk foreign key (r) references a not valid`,
    works: "insert into a values (3, 2, 1)",
    refuses: ["insert into bad values (98)", /bad_fk/],
  },
  {
    name: "constraints that are not enforced",
    given: `create table a (id int primary key); create table b (r int references a not enforced, c int check (c > 0) not enforced);
      insert into b values (5, -1)`,
    works: "insert into b values (6, -2)",
  },
  {
    name: "not null: named, not valid, not inherited, of a key, said again by a child",
    given: `create table a (x int constraint "Must be" not null, y int, z int not null, primary key (z));
      insert into a values (1, null, 1); alter table a add constraint later not null y not valid;
      create table b () inherits (a); create table c (x int constraint mine not null) inherits (a);
      create table e (primary key (x, z)) inherits (a); create table f (constraint own not null z) inherits (e);
      alter table f alter x set not null;
      create table d (x int constraint ni not null no inherit); comment on constraint "Must be" on a is 'why'`,
    refuses: ["insert into a values (2, null, 2)", /null value in column "y"/],
  },
  {
    name: "checks: by functions, not valid, inherited, over the whole row",
    given: `create function fine(n int) returns boolean language plpgsql as $$ begin return deeper(n); end $$;
      create function deeper(n int) returns boolean language sql as $$ select n > 0 $$;
      create table t (n int constraint ok check (fine(n)), m int, constraint whole check (t.* is not null) not valid);
      insert into t values (1, 2); alter table t add constraint late check (m > 5) not valid`,
    refuses: ["insert into t values (-1, 9)", /ok/],
  },
  {
    name: "an index that is left not valid",
    given: `create table t (a int); create index broken on t (a)`,
    unsupported: /index broken is not valid/,
  },
  {
    name: "statistics objects, of expressions too, with a target",
    given: `create table t (a int, b int, c text); create statistics s1 on a, b from t; create statistics "S 2" (mcv) on (a + b), (lower(c)) from t;
      alter statistics s1 set statistics 99; comment on statistics s1 is 'x'`,
  },
];
