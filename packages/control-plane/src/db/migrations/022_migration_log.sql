-- What was run and said while an operation's steps were under way. Bounded by whoever writes it; old lines go.

create table migration_log (
  migration_id text not null references migration_records (id) on delete cascade,
  number bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  step text not null,
  kind text not null constraint migration_log_kind_is_known
    check (kind in ('statement', 'notice', 'process', 'message')),
  text text not null,
  -- How long a statement took, in milliseconds.
  ms double precision,
  primary key (migration_id, number)
);
-- For dropping what is old: lines are written in the order of time.
create index migration_log_by_time on migration_log using brin (at);
