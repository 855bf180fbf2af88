import type { CopyCase } from "./copy-case.ts";

export const PROGRAM_CASES: readonly CopyCase[] = [
  {
    name: "types of every kind that need each other",
    given: `create type e as enum ('b', 'a'); alter type e add value 'c' before 'a'; create domain d as e not null default 'a';
      create function ok(n int) returns boolean language sql immutable as $$ select n between 1 and 9 $$;
      create domain small as int constraint low check (value > 0) constraint "O k" check (ok(value)) default 1 + 1;
      create domain texts as text collate "C"; create domain list as small[]; create type comp as (a small, b d, c texts, t text collate "C");
      create type nest as (c comp, l comp[]); create function diff(a small, b small) returns float8 language sql immutable as 'select (a - b)::float8';
      create type span as range (subtype = float8, multirange_type_name = spans, subtype_diff = float8mi);
      create type tspan as range (subtype = text, collation = "C");
      create table t (a d, b comp, c nest, s span, m spans, x list, q tspan, es e[]);
      insert into t values ('a', row(1, 'b', 'x', 'y'), row(row(1, 'b', 'x', 'y'), array[row(2, 'a', 'q', 'r')]::comp[]), '[1,2]', '{[1,2],[4,5]}', '{1,2}', '[a,b]', '{a,c}');
      comment on type e is 'an e'; comment on domain d is 'a d'; comment on constraint low on domain small is 'low'; comment on type comp is 'c'; comment on column comp.a is 'ca'`,
    works: "insert into t (a) values ('c')",
    refuses: ["insert into t (b) values (row(0, 'b', 'x', 'y'))", /violates check/],
  },
  {
    name: "a domain whose check is not valid yet",
    given: `create domain d as int; create table t (d d); insert into t values (-1); alter domain d add constraint c check (value > 0) not valid`,
    refuses: ["insert into t values (-2)", /check constraint "c"/],
  },
  {
    name: "functions that need tables, views, keys and each other",
    given: `create table t (id int primary key, n text); insert into t values (1, 'a');
      create function g(x int) returns int language sql immutable begin atomic select x + 1; end;
      create function f(x int default g(1)) returns int language sql immutable begin atomic select g(x); end;
      create view v as select t.*, f(id) as fi from t group by id;
      create function rows() returns setof t language sql begin atomic select id, n from v; end;
      create function grouped() returns bigint language sql begin atomic select count(*) from (select t.n from t group by t.id) x; end;
      create table u (a int default f(), b int generated always as (f(1)) stored, c int check (c > f(0)));
      create index on u (f(a)); create function of_view(v) returns text language sql as 'select $1.n';
      create function tab(out a int, out b t) returns setof record language plpgsql as 'begin return query select 1, t from t; end';
      create procedure p(inout x int) language plpgsql as 'begin x := x + 1; end';
      create function vari(variadic xs int[] default '{}') returns int language sql strict leakproof_not parallel safe cost 5 as 'select 1';
      insert into u (c) values (9)`.replace("leakproof_not ", ""),
    works: "select * from rows(); select grouped(); insert into u (c) values (3); call p(1)",
  },
  {
    name: "aggregates and functions over windows",
    given: `create function add(a int, b int) returns int language sql immutable strict as 'select a + b';
      create function fin(a int) returns text language sql immutable as $$ select 'sum ' || a $$;
      create aggregate total(int) (sfunc = add, stype = int, finalfunc = fin, initcond = '0', combinefunc = add, parallel = safe);
      create aggregate cnt(*) (sfunc = int8inc, stype = bigint, initcond = '0');
      create aggregate biggest(int) (sfunc = int4larger, stype = int, sortop = >);
      create table t (a int); insert into t values (1), (2); create view v as select total(a), cnt(*) from t;
      comment on aggregate total(int) is 'all'; comment on aggregate cnt(*) is 'n'; revoke execute on function total(int) from public`,
    works: "select * from v; select biggest(a) from t",
  },
  {
    name: "views: on views, with options, check option, defaults, rules, renamed columns",
    given: `create table t (a int, b text); insert into t values (1, 'x');
      create view v1 with (security_barrier, security_invoker = true) as select a as "A a", b from t where a > 0;
      create view v2 as select * from v1 with local check option; create view v3 as select "A a" from v2 where b = 'x' with cascaded check option;
      alter view v1 rename column "A a" to a2; alter view v1 alter column b set default 'dflt'; alter table t rename a to a9;
      create recursive view nums (n) as values (1) union all select n + 1 from nums where n < 5;
      create view years as select extract('YEAR' from now()) as y;
      create view ro as select a9, count(*) from t group by 1; create rule ins as on insert to ro do instead insert into t values (new.a9, 'by rule');
      create rule log as on delete to t where old.a9 > 100 do also update t set b = 'gone' where false; comment on rule log on t is 'lg'; alter table t disable rule log;
      comment on view v1 is 'v'; comment on column v1.b is 'b'; create view empty as select;
      create function trg() returns trigger language plpgsql as 'begin return null; end';
      create trigger io instead of update on ro for each row execute function trg()`,
    works: "insert into v1 (a2) values (5); insert into ro values (8); select * from nums",
    refuses: ["insert into v3 values (-1)", /check option/],
  },
  {
    name: "materialized views in chains, with indexes, not populated",
    given: `create table t (a int, b text); insert into t select n, 'b' from generate_series(1, 9) n;
      create view v as select a from t; create materialized view m1 with (fillfactor = 80) as select a, a * 2 as d from v;
      create materialized view m2 as select sum(d) s from m1; create unique index on m1 (a); create index on m2 (s);
      create materialized view hollow as select * from m2 with no data; alter materialized view m1 alter column d set statistics 9;
      alter materialized view m1 cluster on m1_a_idx; comment on materialized view m1 is 'm'; create view over as select * from m2`,
    works: "refresh materialized view concurrently m1; refresh materialized view hollow",
  },
  {
    name: "triggers of every state, deferred, for columns, with conditions and transition tables",
    given: `create table t (a int, b int); create table seen (n int);
      create function note() returns trigger language plpgsql as 'begin insert into seen values (tg_nargs); return null; end';
      create function pass() returns trigger language plpgsql as 'begin return new; end';
      create trigger "T 1" after update of b on t for each row when (old.b is distinct from new.b) execute function note('a''b', 'c');
      create constraint trigger ct after insert on t from seen deferrable initially deferred for each row execute function note();
      create trigger stm after insert on t referencing new table as fresh for each statement execute function note('x');
      create trigger al before insert on t for each row execute function pass(); create trigger re before insert on t for each row execute function pass();
      create trigger di before insert on t for each row execute function pass(); create trigger tr before truncate on t execute function note();
      alter table t enable always trigger al; alter table t enable replica trigger re; alter table t disable trigger di;
      comment on trigger al on t is 'x'; insert into t values (1, 1)`,
    works: "insert into t values (2, 2); update t set b = 9",
  },
  {
    name: "row-level security",
    given: `create table t (a int, who text default current_user); insert into t values (1), (2);
      create function may(n int) returns boolean language sql stable as 'select n > 1';
      create policy p1 on t for select using (may(a)); create policy "P 2" on t as restrictive for all to current_user using (a < 9) with check (a in (select a from t));
      create policy p3 on t for insert to public with check (true); alter table t enable row level security; alter table t force row level security;
      create table off (a int); create policy idle on off using (false); comment on policy p1 on t is 'pol'; insert into off values (1)`,
    works: "select * from t",
  },
  {
    name: "rights: on columns, functions, types, sequences, with grant option, by default",
    given: `create table t (a int, b int); create view v as select 1 as x; create sequence s; create type e as enum ('a'); create domain d as int; create type c as (a int);
      create function f(int, text) returns int language sql as 'select 1'; create procedure p() language sql as 'select 1';
      grant select, insert on t to public; grant update (b), references (a) on t to pg_monitor with grant option; grant select (x) on v to pg_monitor;
      grant usage on sequence s to pg_monitor; grant usage on type e to pg_monitor with grant option; revoke usage on type c from public; revoke usage on domain d from public;
      revoke execute on function f from public; grant execute on function f to pg_monitor with grant option; revoke all on procedure p from public;
      alter default privileges grant select on tables to pg_monitor`,
    works: "create table fresh (a int)",
  },
  {
    name: "functions and types that are hidden by the system's own",
    given: `create function upper(t text) returns text language sql immutable as $$ select 'mine' $$;
      comment on function t__acme__books.upper(text) is 'mine'; revoke all on function t__acme__books.upper(text) from public;
      create type t__acme__books.point as (a int);
      create function twice(p t__acme__books.point) returns int language sql immutable begin atomic select 2 * (p).a; end;
      create table t (a text check (a <> t__acme__books.upper('x')), b text default t__acme__books.upper('x'), p t__acme__books.point);
      insert into t values ('y'); create index i on t (t__acme__books.upper(a));
      create view v as select t__acme__books.upper(a) from t`,
    works: "do $$ begin assert (select b from t__acme__books.t) = 'mine'; end $$; insert into t (a) values ('z')",
    refuses: ["insert into t values ('mine')", /t_a_check/],
  },
  {
    name: "checks, indexes and generated columns by functions that name the schema",
    ownName: true,
    given: `create type kind as enum ('a', 'b'); create table kinds (id int primary key, kind kind);
      create function kind_of(wanted int) returns kind language plpgsql immutable set search_path = t__acme__books as $$
        begin return (select k.kind from "t__acme__books".kinds k where k.id = wanted); end $$;
      create table things (n int references kinds, kind kind check (kind_of(n) = kind), g kind generated always as (kind_of(n)) stored);
      create index i on things (kind_of(n)); insert into kinds values (1, 'a'), (2, 'b'); insert into things values (1, 'a')`,
    works: "insert into things values (2, 'b')",
    refuses: ["insert into things values (1, 'b')", /things_check/],
  },
  {
    name: "text that names the schema",
    given: `create sequence s; create table t (a int default nextval('t__acme__books.s'::text))`,
    unsupported: /names the schema in a text/,
  },
  {
    name: "operators",
    given: `create function eq(a int, b text) returns boolean language sql immutable as $$ select a::text = b $$;
      create function ne(a int, b text) returns boolean language sql immutable as $$ select a::text <> b $$;
      create operator === (leftarg = int, rightarg = text, function = eq, negator = !==, restrict = eqsel, join = eqjoinsel);
      create operator !== (leftarg = int, rightarg = text, function = ne, negator = ===);
      create operator @# (rightarg = int, function = abs);
      comment on operator === (int, text) is 'same digits';
      create table t (a int, b text, check (a === b)); create index i on t ((a !== b)) where a === b;
      create view v as select @# a as a from t`,
    works: "insert into t values (1, '1'); do $$ begin assert 1 !== '2'; end $$",
    refuses: ["insert into t values (1, '2')", /t_check/],
  },
  {
    name: "casts of its types",
    given: `create type c as (a int); create type mood as enum ('sad'); create domain d as text;
      create function f(c) returns text language sql immutable as $$ select ($1).a::text $$;
      create cast (c as text) with function f(c) as assignment;
      create cast (character varying as mood) with inout as implicit;
      create table t (m mood, s text); insert into t values ('sad'::varchar, row(3)::c)`,
    works: "insert into t values ('sad'::varchar, row(4)::c)",
  },
  {
    name: "collations",
    given: `create collation mine from "C"; create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      comment on collation mine is 'x'; create domain d as text collate loose; create type r as range (subtype = text, collation = mine);
      create type c as (a text collate loose);
      create table t (a text collate loose primary key, b d, c c, e text collate mine); create index i on t (e collate "C", a collate mine);
      create view v as select a collate mine as a from t; insert into t values ('A')`,
    works: "do $$ begin assert exists (select from t where a = 'a'); end $$",
    refuses: ["insert into t values ('a')", /t_pkey/],
  },
  {
    name: "text search configurations",
    given: `create text search dictionary nostop (template = snowball, language = 'english');
      create text search dictionary short (template = pg_catalog.simple, stopwords = english);
      create text search configuration mine (copy = simple); comment on text search configuration mine is 'x';
      alter text search configuration mine alter mapping for asciiword, word with nostop, simple;
      alter text search configuration mine drop mapping for email;
      create table t (a text, b tsvector generated always as (to_tsvector('mine', a)) stored); insert into t values ('the cats');
      create index i on t using gin (b)`,
    works: "do $$ begin assert (select b from t) @@ 'cat'::tsquery; end $$; insert into t values ('x')",
  },
  {
    name: "conversions",
    given: "create conversion mine for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1",
    unsupported: /conversion mine: is gone/,
  },
];
