/** A bit of everything that a module may put into its schema, and some rows. */
export const KITCHEN_SINK = `
  create type mood as enum ('glad', 'sad');
  create domain percent as numeric check (value between 0 and 100);
  create type address as (street text, town text);
  create type span as range (subtype = integer);
  create sequence ticket as integer start with 7 increment by 3;
  create function shout(word text) returns text language sql immutable as $$ select upper(word) $$;

  create table customers (
    id bigint generated always as identity primary key,
    name text not null constraint customers_name_not_blank check (name <> ''),
    loud text generated always as (shout(name)) stored,
    mood mood not null default 'glad',
    share percent default 50,
    home address,
    code integer not null default nextval('ticket'),
    note text collate "C",
    constraint customers_code_once unique (code) deferrable initially deferred
  );
  alter table customers alter column note set storage external;
  alter table customers drop column home;
  comment on table customers is 'who buys''s things';
  comment on column customers.name is 'full name';
  create index customers_loud on customers (lower(loud)) where mood = 'glad';
  create statistics customers_dependent (dependencies) on mood, share from customers;

  create table orders (
    id serial primary key,
    customer bigint not null references customers (id) on delete cascade,
    during span,
    placed timestamptz not null default now(),
    exclude using gist (during with &&)
  );
  alter table orders add constraint orders_recent check (placed > '2000-01-01') not valid;
  alter table orders replica identity full;
  alter table orders set (fillfactor = 70, toast.autovacuum_enabled = false);
  alter index customers_loud set (fillfactor = 80);
  comment on index customers_loud is 'for searches';

  create table events (day date not null, what text, primary key (day, what)) partition by range (day);
  create table events_2027 partition of events for values from ('2027-01-01') to ('2028-01-01');
  create table events_rest partition of events default;
  create index events_what on events (what);

  create unlogged table scratch (x integer);
  create table base (a integer);
  create table derived (b integer) inherits (base);

  create view glad_customers with (security_barrier) as select id, name from customers where mood = 'glad';
  create view names as select name from glad_customers;
  create materialized view totals as select count(*) as n from customers;
  create unique index totals_once on totals (n);

  create function touch() returns trigger language plpgsql as $$ begin new.note := 'touched'; return new; end $$;
  create trigger customers_touch before insert or update on customers for each row execute function touch();
  create trigger customers_off before update on customers for each row execute function touch();
  alter table customers disable trigger customers_off;
  create function customer_named(wanted text) returns setof customers language sql
    begin atomic select * from customers where name = wanted; end;
  create procedure clear_scratch() language sql as $$ delete from scratch $$;

  create policy own_orders on orders for select using (customer > 0);
  alter table orders enable row level security;
  alter table base enable row level security;
  alter table base force row level security;
  grant select on customers to public;
  grant update (note) on customers to public;
  revoke execute on function shout from public;

  insert into customers (name) select 'customer ' || n from generate_series(1, 30) as n;
  insert into orders (customer, during) select n, int4range_of(n) from generate_series(1, 20) as n;
  insert into events select date '2027-03-01' + n, 'event ' || n from generate_series(1, 10) as n;
  insert into events values ('2031-01-01', 'later');
  insert into derived values (1, 2);
  alter table customers alter column note set default 'new';
  refresh materialized view totals;
`.replace("int4range_of(n)", "span(n * 2, n * 2 + 1)");
